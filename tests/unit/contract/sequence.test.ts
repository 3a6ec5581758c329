import { expect } from 'vitest'
import { Sequence } from '../../../src/lib/contract/sequence.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { test } from '../faults/fixture.js'

test('a reaction that throws keeps no other from its turn, and the order stays', async ({
	reported
}) => {
	const thrown = new Error('mine')
	const got: number[] = []
	const sequence = new Sequence()
	const first = Promise.withResolvers<number>()
	sequence.add(first.promise, (value) => {
		got.push(value)
		throw thrown
	})
	sequence.add(Promise.resolve(2), (value) => got.push(value))
	sequence.add(3, (value) => got.push(value))
	await flushPromises()
	expect(got).toEqual([])
	first.resolve(1)
	await flushPromises()
	expect(got).toEqual([1, 2, 3])
	expect(reported.splice(0)).toEqual([thrown])
})
