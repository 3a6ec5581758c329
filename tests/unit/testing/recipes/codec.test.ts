import type { Codec } from 'sveltekit-sse'
import { codecConformance } from 'sveltekit-sse/testing'
import { expect, test } from 'vitest'

const list: Codec = {
	name: 'a list',
	encode(value) {
		if (!Array.isArray(value) || !value.every((item) => /^\w+$/.test(String(item))))
			throw new TypeError('only lists of words')
		return value.join()
	},
	decode(text) {
		if (!/^(\w+(,\w+)*)?$/.test(text)) throw new TypeError('only words and commas')
		return text === '' ? [] : text.split(',')
	}
}

const subject = { codec: list, samples: [[], ['a'], ['a', 'b']], refused: [1, ['']], broken: [','] }
for (const one of codecConformance)
	test(one.name, () => expect(one.run(subject)).resolves.toBeUndefined())
