import { afterEach, expect, test, vi } from 'vitest'
import { Random, seedFromEnvironment, withRandom } from '../../support/random.js'

afterEach(() => {
	vi.unstubAllEnvs()
	vi.restoreAllMocks()
})

test('the same seed gives the same sequence, another seed another one', () => {
	const sequence = (seed: number) => {
		const random = new Random(seed)
		return Array.from({ length: 20 }, () => random.int(0, 1_000_000))
	}
	expect(sequence(7)).toEqual(sequence(7))
	expect(sequence(7)).not.toEqual(sequence(8))
})

test('numbers are spread evenly and stay within their bounds', () => {
	const random = new Random(1)
	const counts = [0, 0, 0, 0, 0, 0]
	for (let roll = 0; roll < 60_000; roll++) counts[random.int(1, 6) - 1]!++
	expect(counts.reduce((sum, count) => sum + count)).toBe(60_000)
	for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('weights, picks and shuffles follow the seed', () => {
	const random = new Random(3)
	const counts = { often: 0, seldom: 0, never: 0 }
	for (let draw = 0; draw < 10_000; draw++) {
		counts[random.weighted({ often: 9, seldom: 1, never: 0 })]++
	}
	expect(counts.never).toBe(0)
	expect(counts.often / counts.seldom).toBeGreaterThan(7)
	expect(counts.often / counts.seldom).toBeLessThan(11)
	expect(random.shuffle([1, 2, 3, 4, 5]).toSorted()).toEqual([1, 2, 3, 4, 5])
	expect(['a', 'b']).toContain(random.pick(['a', 'b']))
	expect(random.chance(0)).toBe(false)
	expect(random.chance(1)).toBe(true)
})

test('a fork goes its own way', () => {
	const [one, other] = [new Random(5), new Random(5)]
	const [left, right] = [one.fork(), other.fork()]
	one.next()
	expect(left.next()).toBe(right.next())
})

test('SEED replays, and must be a number', () => {
	vi.stubEnv('SEED', '42')
	expect(seedFromEnvironment()).toBe(42)
	vi.stubEnv('SEED', 'x')
	expect(() => seedFromEnvironment()).toThrow('SEED must be a whole number, not x.')
	vi.stubEnv('SEED', '')
	expect(Number.isInteger(seedFromEnvironment())).toBe(true)
})

test('the seed is printed, and a failure says how to replay it', async () => {
	vi.stubEnv('SEED', '42')
	const log = vi.spyOn(console, 'log').mockImplementation(() => {})
	const failing = withRandom('soak', () => {
		throw new Error('lost 3')
	})
	await expect(failing).rejects.toThrow('lost 3\nReplay soak with SEED=42')
	expect(log).toHaveBeenCalledWith('soak: SEED=42')
})
