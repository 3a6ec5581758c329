/** A seeded source of chance: the same seed gives the same sequence, everywhere. */
export class Random {
	readonly seed: number
	#state: number

	constructor(seed: number) {
		this.seed = seed >>> 0
		this.#state = this.seed
	}

	/** A number from 0 up to, not including, 1; what `Math.random` would give. */
	next = (): number => {
		// mulberry32: 32 bits of state, passes the usual statistical tests.
		this.#state = (this.#state + 0x6d2b79f5) | 0
		let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
	}

	/** A whole number from `min` to `max`, both included. */
	int(min: number, max: number): number {
		return min + Math.floor(this.next() * (max - min + 1))
	}

	/** `true` with this probability. */
	chance(probability: number): boolean {
		return this.next() < probability
	}

	/** One of the items. */
	pick<T>(items: readonly [T, ...T[]]): T {
		return items[this.int(0, items.length - 1)] as T
	}

	/** One of the names, as often as its weight says. */
	weighted<K extends string>(weights: Record<K, number>): K {
		const entries = Object.entries<number>(weights) as [K, number][]
		let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
		for (const [name, weight] of entries) {
			rest -= weight
			if (rest < 0) return name
		}
		throw new Error('There is no name with a weight above 0.')
	}

	/** A copy in another order. */
	shuffle<T>(items: readonly T[]): T[] {
		const copy = [...items]
		for (let last = copy.length - 1; last > 0; last--) {
			const other = this.int(0, last)
			;[copy[last], copy[other]] = [copy[other] as T, copy[last] as T]
		}
		return copy
	}

	/** Another source, fixed by this one's state: what it gives does not depend on what follows here. */
	fork(): Random {
		return new Random(this.int(0, 0xffff_ffff))
	}
}

/** The seed to replay, from the environment variable `SEED`, or a new one. */
export function seedFromEnvironment(): number {
	const given = process.env.SEED
	if (given === undefined || given === '') return Math.floor(Math.random() * 0x1_0000_0000)
	if (!/^\d+$/.test(given)) throw new Error(`SEED must be a whole number, not ${given}.`)
	return Number(given)
}

/**
 * Runs something with a seeded source of chance, and says on failure how to replay it.
 *
 * @example
 * ```ts
 * test('no event is lost', () => withRandom('soak', async (random) => {
 * 	proxy.split(() => random.int(1, 9))
 * }))
 * ```
 */
export async function withRandom<T>(
	name: string,
	run: (random: Random) => T | Promise<T>
): Promise<T> {
	const random = new Random(seedFromEnvironment())
	console.log(`${name}: SEED=${random.seed}`)
	try {
		return await run(random)
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error)
		throw new Error(`${message}\nReplay ${name} with SEED=${random.seed}`, { cause: error })
	}
}
