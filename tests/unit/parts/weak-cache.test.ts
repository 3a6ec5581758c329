import { expect, test, vi } from 'vitest'
import { WeakCache } from '../../../src/lib/parts/weak-cache.js'
import { collectGarbage } from '../../support/garbage.js'

test('what was made for a name is the same as long as somebody has it', async () => {
	const cache = new WeakCache<object>()
	const make = vi.fn(() => ({}))
	const one = cache.get('a', make)
	for (let number = 0; number < 1_000; number++) cache.get(`other ${number}`, () => ({}))
	await collectGarbage(() => true)
	expect(cache.get('a', make)).toBe(one)
	expect(make).toHaveBeenCalledTimes(1)
	expect(cache.get('b', make)).not.toBe(one)
})

test('what nobody has is made anew', async () => {
	const cache = new WeakCache<{ number: number }>()
	let made = 0
	let isGone = false
	const registry = new FinalizationRegistry(() => (isGone = true))
	const make = () => {
		const value = { number: ++made }
		registry.register(value, undefined)
		return value
	}
	cache.get('a', make)
	await collectGarbage(() => isGone)
	expect(cache.get('a', make).number).toBe(2)
})

test('names may be those that objects have', () => {
	const cache = new WeakCache<object>()
	const one = cache.get('__proto__', () => ({}))
	expect(cache.get('__proto__', () => ({}))).toBe(one)
	expect(cache.get('constructor', () => ({}))).not.toBe(Object)
})

test('what makes may ask for another name, and for its own', () => {
	const cache = new WeakCache<{ inner: object | undefined }>()
	const outer = cache.get('a', () => ({ inner: cache.get('b', () => ({ inner: undefined })) }))
	expect(cache.get('b', () => ({ inner: undefined }))).toBe(outer.inner)
})

// A module-level source on a server that selects a channel for each order it ever saw kept a name for each.
test('memory does not grow with the number of names', async () => {
	const cache = new WeakCache<object>()
	const use = async (count: number): Promise<void> => {
		for (let number = 0; number < count; number++) {
			cache.get(`${Math.random()} ${'x'.repeat(1_000)}`, () => ({}))
			// References are kept until the job is over in which they were made or asked.
			if (number % 1_000 === 0) await collectGarbage(() => true)
		}
		await collectGarbage(() => true)
	}
	await use(2_000)
	const before = process.memoryUsage().heapUsed
	await use(20_000)
	// Their names alone would be 20 MB.
	expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
})
