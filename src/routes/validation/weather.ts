import { defineEvents } from 'sveltekit-sse'
import * as v from 'valibot'

export const weather = defineEvents({
	reading: v.object({
		station: v.string(),
		celsius: v.pipe(v.number(), v.minValue(-90), v.maxValue(60))
	})
})
