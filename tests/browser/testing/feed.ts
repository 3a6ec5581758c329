import { defineEvents } from 'sveltekit-sse'
import * as v from 'valibot'

export const feed = defineEvents({
	order: v.object({ id: v.string(), total: v.number() })
})
