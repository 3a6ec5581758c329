import { expect, test } from 'vitest'
import { Deque } from '../../../src/lib/parts/deque.js'
import { Random, seedFromEnvironment } from '../../support/random.js'

const seed = seedFromEnvironment()

test(`a deque answers as an array does, whatever is done to it (SEED=${seed})`, () => {
	const random = new Random(seed)
	const deque = new Deque<number>()
	let array: number[] = []
	for (let step = 0; step < 20_000; step++) {
		const dice = random.int(0, 1_000)
		// Now it grows, now it shrinks.
		const growth = step % 4_000 < 2_000 ? 700 : 300
		if (dice === 0) {
			deque.clear()
			array = []
		} else if (dice < growth) {
			deque.push(step)
			array.push(step)
		} else expect(deque.shift()).toBe(array.shift())
		expect(deque.length).toBe(array.length)
		const place = random.int(0, array.length + 1)
		for (const at of [0, -1, place, -place - 1]) expect(deque.at(at)).toBe(array.at(at))
		expect(deque.slice(place, 3)).toEqual(array.slice(place, place + 3))
	}
})

test('a deque lets go of what was taken', () => {
	const deque = new Deque<object>()
	for (let i = 0; i < 10; i++) deque.push({})
	expect(deque.shift()).toEqual({})
	expect(deque.length).toBe(9)
	while (deque.shift());
	expect([deque.length, deque.at(0), deque.at(-1), deque.slice(0, 9)]).toEqual([
		0,
		undefined,
		undefined,
		[]
	])
})
