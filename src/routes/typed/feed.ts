import { defineEvents, typed } from 'sveltekit-sse'
import { devalueCodec } from 'sveltekit-sse/devalue'

export interface Train {
	number: number
	to: string
	leaves: Date
}

// JSON would make text of a date, and nothing of a map.
export const feed = defineEvents(
	{
		departure: typed<Train>(),
		platforms: typed<Map<number, Train>>()
	},
	{ codec: devalueCodec() }
)
