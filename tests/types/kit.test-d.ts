import type { Transport } from '@sveltejs/kit'
import { defineEvents, typed } from 'sveltekit-sse'
import { devalueCodec } from 'sveltekit-sse/devalue'
import { test } from 'vitest'

test('devalueCodec takes the transport hook of SvelteKit as it is', () => {
	const transport: Transport = {
		Money: {
			encode: (value) => value instanceof Date && [value],
			decode: ([value]) => new Date(value)
		}
	}
	defineEvents({ paid: typed<Date>() }, { codec: devalueCodec(transport) })
	// @ts-expect-error an encoder alone is no transporter
	devalueCodec({ Money: { encode: String } })
})
