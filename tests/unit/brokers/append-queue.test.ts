import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppendQueue, type Batch, type Prepared } from '../../../src/lib/brokers/append-queue.js'
import { UndecidedError, UnsentError, withDeadline } from '../../../src/lib/brokers/deadline.js'
import { SseError } from '../../../src/lib/errors.js'
import { BrokerBase } from '../../../src/lib/hub/broker-base.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { manualClock, type ManualClock } from '../../../src/lib/testing/manual-clock.js'

interface Item extends Prepared {
	readonly name: string
}

interface Settled {
	/** Cursors, or the code of the error. */
	outcome: string[] | string
	/** Milliseconds since the clock was made. */
	at: number
}

class Base extends BrokerBase {}

const timeout = 400
const limit = 32 * 1024 * 1024
const away = () => new SseError('network', 'away')

let clock: ManualClock
let base: Base
let queue: AppendQueue<Item>
let batches: Batch<Item>[]
let cursor: number
/** What the engine does with a batch; by default it stores it. */
let engine: (batch: Batch<Item>) => Promise<void>

beforeEach(() => {
	clock = manualClock()
	base = new Base('test', { onError: () => {} }, 'connecting')
	batches = []
	cursor = 0
	engine = async () => {}
	queue = new AppendQueue<Item>(base, {
		timeout,
		maxBytes: () => 1024 * 1024,
		async write(batch) {
			batches.push(batch)
			await engine(batch)
			return batch.entries.map(() => String(++cursor))
		}
	})
})

afterEach(() => {
	expect(clock.timers, 'an idle queue has no timer').toBe(0)
	clock.restore()
})

const item = (name: string, bytes = 100): Item => ({ name, bytes })
const items = (count: number, prefix = '') =>
	Array.from({ length: count }, (_, index) => item(`${prefix}${index}`))
const names = () => batches.map(({ entries }) => entries.map(({ name }) => name).join(' '))

function settle(append: Promise<string[]>): Promise<Settled> {
	return append.then(
		(outcome) => ({ outcome, at: clock.now }),
		(error: SseError) => ({ outcome: error.code, at: clock.now })
	)
}

const append = (one: Item | Item[], wait?: number) => settle(queue.append([one].flat(), wait))
const outcomes = async (appends: Promise<Settled>[]) =>
	(await Promise.all(appends)).map(({ outcome }) => String(outcome))

/** The engine answers nothing until the function that is returned is called; as brokers do, each call gives up in time. */
function hang(): () => void {
	const { promise, resolve } = Promise.withResolvers<void>()
	engine = () => withDeadline(promise, timeout, 'The engine')
	return () => {
		engine = async () => {}
		resolve()
	}
}

/** Appends until it is refused; says how many bytes were taken. */
function fill(wait?: number): { taken: number; appends: Promise<Settled>[] } {
	const step = 512 * 1024
	const appends = Array.from({ length: limit / step + 1 }, () => append(item('fill', step), wait))
	return { taken: limit, appends }
}

describe('an engine that hangs', () => {
	test('settles each of 2,000 appends within its timeout', async () => {
		hang()
		const appends: Promise<Settled>[] = []
		const begun: number[] = []
		for (let round = 0; round < 200; round++) {
			for (const one of items(10)) {
				begun.push(clock.now)
				appends.push(append(one))
			}
			await clock.advance(5)
		}
		await clock.advance(timeout)
		const settled = await Promise.all(appends)
		const took = settled.map(({ at }, index) => at - begun[index]!)
		expect(Math.max(...took)).toBeLessThanOrEqual(timeout)
		expect(new Set(settled.map(({ outcome }) => outcome))).toEqual(new Set(['timeout']))
		expect(base.health.status).toBe('down')
		await clock.advance(timeout)
	})

	test('settles an append by the time that its own wait and the timeout allow', async () => {
		hang()
		const waits = [0, 1_000, 300, 5_000, 0, 2_000]
		const settled = waits.map((wait) => append(item(String(wait)), wait))
		await clock.advance(20_000)
		for (const [index, { outcome, at }] of (await Promise.all(settled)).entries()) {
			expect(['timeout', 'network']).toContain(outcome)
			expect(at).toBeLessThanOrEqual(waits[index]! + timeout)
			expect(at).toBeGreaterThanOrEqual(Math.min(waits[index]!, timeout))
		}
	})

	test('an append that does not wait is not held up by one that does', async () => {
		hang()
		const waiting = append(item('waits'), 10_000)
		await clock.advance(10)
		const queued = append(item('hasty'))
		await clock.advance(timeout)
		expect(await queued).toEqual({ outcome: 'timeout', at: timeout })
		const late = append(item('late'))
		const begun = clock.now
		expect(await late, 'it is known that the engine is away').toEqual({
			outcome: 'timeout',
			at: begun
		})
		await clock.advance(10_000 + 2 * timeout)
		expect((await waiting).outcome).toBe('timeout')
	})

	test('what was rejected is not sent any more', async () => {
		engine = async () => {
			throw away()
		}
		const waiting = append(item('waits'), 100)
		await flushPromises()
		const later = append(item('later'), 5_000)
		await clock.advance(1_000)
		expect((await waiting).outcome).toBe('timeout')
		const before = batches.length
		engine = async () => {}
		await clock.advance(4_000)
		expect(await later).toMatchObject({ outcome: ['1'] })
		expect(names().slice(before)).toEqual(['later'])
	})

	test('one that is alone is not tried once more when its wait is over', async () => {
		const times: number[] = []
		engine = async () => {
			times.push(clock.now)
			throw away()
		}
		const { at } = await Promise.all([append(item('waits'), 500), clock.advance(10_000)]).then(
			([settled]) => settled
		)
		expect(times.filter((time) => time > 500)).toEqual([])
		expect(at).toBeLessThanOrEqual(500 + timeout)
	})
})

test('a wait that is no number is none', async () => {
	const stored = append(item('one'), Number.NaN)
	await flushPromises()
	expect(await stored).toEqual({ outcome: ['1'], at: 0 })
	hang()
	const settled = append(item('two'), Number.NaN)
	await clock.advance(timeout)
	expect(await settled).toEqual({ outcome: 'timeout', at: timeout })
})

test('a wait without end waits without end, and needs no timer', async () => {
	engine = async () => {
		throw away()
	}
	const waiting = append(item('waits'), Infinity)
	await clock.advance(1_000_000)
	engine = async () => {}
	await clock.advance(2_000)
	expect((await waiting).outcome).toEqual(['1'])
})

describe('order', () => {
	test('appends are stored as they were made, however they are batched', async () => {
		const answer = hang()
		const appends = items(1_300).map((one, index) => append(one, index % 7 ? 0 : 5_000))
		await flushPromises()
		answer()
		const cursors = (await outcomes(appends)).map(Number)
		expect(cursors).toEqual(items(1_300).map((_, index) => index + 1))
		expect(names().join(' ')).toBe(
			items(1_300)
				.map(({ name }) => name)
				.join(' ')
		)
		expect(batches.map(({ number }) => number)).toEqual(batches.map((_, index) => index + 1))
	})

	test('an append of 1,200 entries is split, and its cursors are in order', async () => {
		const [first, long, last] = await Promise.all([
			append(item('first')),
			append(items(1_200)),
			append(item('last'))
		])
		const all = [first, long, last].flatMap(({ outcome }) => outcome)
		expect(all).toEqual(Array.from({ length: 1_202 }, (_, index) => String(index + 1)))
		expect(Math.max(...batches.map(({ entries }) => entries.length))).toBe(500)
	})

	test('a batch is no larger than the engine takes, unless one entry is', async () => {
		const large = 1024 * 1024
		await append([item('a', 600_000), item('b', 600_000), item('c', 3 * large), item('d', 1)])
		expect(names()).toEqual(['a', 'b', 'c', 'd'])
	})

	test('a batch that is tried again is the same, with the same number', async () => {
		const answer = hang()
		const stored = append([item('a'), item('b')], 5_000)
		await clock.advance(timeout)
		const queued = append(item('c'), 5_000)
		answer()
		await clock.advance(2_000)
		expect(await Promise.all([stored, queued])).toMatchObject([
			{ outcome: ['1', '2'] },
			{ outcome: ['3'] }
		])
		expect(names()).toEqual(['a b', 'a b', 'c'])
		expect(batches.map(({ number }) => number)).toEqual([1, 1, 2])
		expect(batches[1]).toBe(batches[0])
	})

	test('appends to an engine that is away are in order once it is back', async () => {
		engine = async () => {
			throw away()
		}
		const appends = items(30).map((one) => append(one, 60_000))
		await clock.advance(10_000)
		engine = async () => {}
		await clock.advance(3_000)
		expect((await outcomes(appends)).map(Number)).toEqual(items(30).map((_, index) => index + 1))
	})
})

describe('a batch that is refused', () => {
	const refuse = (bad: string, code: 'failed' | 'too-large' = 'failed') => {
		engine = async ({ entries }) => {
			if (entries.some(({ name }) => name === bad)) throw new SseError(code, 'bad')
		}
	}

	test('goes once more, each append alone and in order; one is rejected', async () => {
		refuse('b')
		const settled = outcomes(['a', 'b', 'c', 'd'].map((name) => append(item(name))))
		expect(await settled).toEqual(['1', 'failed', '2', '3'])
		expect(names()).toEqual(['a b c d', 'a', 'b', 'c', 'd'])
		expect(batches.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5])
		expect(base.health.status, 'the engine answers').toBe('up')
	})

	test('new appends do not overtake', async () => {
		let late: Promise<Settled>[] = []
		engine = async ({ entries, number }) => {
			late.push(append(item(`late${number}`)))
			if (number > 3) late = late.slice(0, 3)
			if (entries.some(({ name }) => name === 'b')) throw new SseError('failed', 'bad')
			if (number > 6) engine = async () => {}
		}
		const settled = await outcomes(['a', 'b', 'c'].map((name) => append(item(name))))
		expect(settled).toEqual(['1', 'failed', '2'])
		await Promise.all(late)
		const order = names().join(' ')
		expect(order).toMatch(/^a b c a b c late1 late2/)
	})

	test('an append of several entries is rejected as a whole', async () => {
		refuse('b')
		const settled = outcomes([append(item('a')), append([item('b'), item('c')]), append(item('d'))])
		expect(await settled).toEqual(['1', 'failed', '2'])
		expect(names()).toEqual(['a b c d', 'a', 'b c', 'd'])
	})

	test('what is over in the meantime is not sent again', async () => {
		engine = ({ number }) => {
			if (number > 1) return Promise.resolve()
			return new Promise((_, reject) => {
				const { promise, resolve } = Promise.withResolvers<void>()
				release = resolve
				void promise.then(() => reject(new SseError('failed', 'bad')))
			})
		}
		let release = () => {}
		const settled = outcomes(['a', 'b'].map((name) => append(item(name))))
		await clock.advance(timeout)
		expect(await settled).toEqual(['timeout', 'timeout'])
		release()
		await flushPromises()
		expect(names()).toEqual(['a b'])
		await expectRoom()
	})

	test('an engine that goes away in the middle of that rejects the others', async () => {
		engine = async ({ number }) => {
			if (number === 1) throw new SseError('failed', 'bad')
			if (number > 2) throw away()
		}
		const settled = outcomes(['a', 'b', 'c'].map((name) => append(item(name))))
		expect(await settled).toEqual(['1', 'network', 'network'])
	})
})

test('an error that another try would meet again does not hold up what is behind', async () => {
	engine = async ({ number }) => {
		if (number === 1) throw new UndecidedError('who knows')
	}
	const settled = [append(item('a'), 60_000), append(item('b'), 60_000)]
	await flushPromises()
	const behind = append(item('c'))
	await flushPromises()
	expect(await outcomes([...settled, behind])).toEqual(['network', 'network', '1'])
	expect(names(), 'nor is it split: it may be stored').toEqual(['a b', 'c'])
	await expectRoom()
})

describe('a batch that is refused after a try that was not answered', () => {
	test('may be stored, so that it is neither tried again nor split', async () => {
		let tries = 0
		engine = async () => {
			throw ++tries === 1 ? new SseError('timeout', 'no answer') : new SseError('failed', 'no')
		}
		const settled = [append(item('a'), 60_000), append(item('b'), 60_000)]
		await clock.advance(10_000)
		expect(await outcomes(settled)).toEqual(['network', 'network'])
		expect(names()).toEqual(['a b', 'a b'])
		await expectRoom()
	})

	test('is not stored if the engine was not asked before, so that each goes alone', async () => {
		let tries = 0
		engine = async ({ entries }) => {
			if (++tries === 1) throw new UnsentError('away')
			if (entries.some(({ name }) => name === 'b')) throw new SseError('failed', 'no')
		}
		const settled = [append(item('a'), 60_000), append(item('b'), 60_000)]
		await clock.advance(10_000)
		expect(await outcomes(settled)).toEqual(['1', 'failed'])
		expect(names()).toEqual(['a b', 'a b', 'a', 'b'])
	})

	test('is given up when the engine may have forgotten it', async () => {
		engine = async () => {
			throw away()
		}
		const settled = append(item('a'), Infinity)
		await flushPromises()
		await clock.sleep(12 * 3_600_000)
		await clock.advance(10_000)
		expect((await settled).outcome).toBe('network')
		engine = async () => {}
		expect((await append(item('b'))).outcome).toEqual(['1'])
	})
})

describe('what waits is bounded', () => {
	test('beyond that it is refused before it is queued, and there is room again afterwards', async () => {
		const answer = hang()
		const { appends } = fill()
		await flushPromises()
		expect(await appends.at(-1)).toEqual({ outcome: 'overflow', at: 0 })
		const small = await append(item('small', 1))
		expect(small.outcome, 'not even a small one fits').toBe('overflow')
		answer()
		const settled = await outcomes(appends.slice(0, -1))
		expect(settled.filter((outcome) => Number.isNaN(Number(outcome)))).toEqual([])
		await expectRoom()
	})

	test('one that is larger by itself is too large, now and later', async () => {
		expect((await append(item('large', limit + 1))).outcome).toBe('too-large')
		const large = append(item('large', limit))
		await flushPromises()
		expect((await large).outcome).toEqual(['1'])
		await expectRoom()
	})

	test('one that is split counts as a whole', async () => {
		hang()
		const first = append(item('first', limit / 500))
		const parts = Array.from({ length: 999 }, () => item('part', limit / 1_000))
		expect((await append(parts)).outcome).toBe('overflow')
		await clock.advance(timeout)
		expect((await first).outcome).toBe('timeout')
		await expectRoom()
	})
})

describe('no byte is lost by an append that', () => {
	const mixed = () => [
		append(item('a', 5_000)),
		append(item('b', 6_000), 700),
		append(items(1_200, 'c'), 700),
		append(item('d', 7_000), 5_000),
		append(item('e', 8_000))
	]

	test.each<[string, () => Promise<void>]>([
		['is stored', async () => {}],
		['waits for an engine that is away, and is stored', outage(2_000)],
		['waits in vain for an engine that is away', outage(20_000)],
		['runs out of time at an engine that hangs', hangFor(20_000)],
		['runs out of time at an engine that hangs for a while', hangFor(1_200)],
		['is refused', refusal(() => true)],
		['is refused for another', refusal(({ number }) => number % 3 === 1)],
		['meets a final error', refusal(({ number }) => number === 2, new UndecidedError('who knows'))],
		['meets an error that is none of ours', refusal(() => true, new TypeError('bug') as SseError)]
	])('%s', async (_, fault) => {
		const faults = fault()
		const appends = mixed()
		await clock.advance(300)
		appends.push(...mixed())
		await clock.advance(30_000)
		await faults
		await Promise.all(appends)
		engine = async () => {}
		await expectRoom()
	})

	function outage(time: number) {
		return async () => {
			engine = async () => {
				if (clock.now < time) throw away()
			}
		}
	}

	function hangFor(time: number) {
		return async () => {
			engine = () => {
				if (clock.now >= time) return Promise.resolve()
				return withDeadline(new Promise<void>(() => {}), timeout, 'The engine')
			}
		}
	}

	function refusal(isBad: (batch: Batch<Item>) => boolean, error = new SseError('failed', 'bad')) {
		return async () => {
			engine = async (batch) => {
				if (isBad(batch)) throw error
			}
		}
	}
})

/** Says that exactly as much fits as into a queue that is new. */
async function expectRoom(): Promise<void> {
	await flushPromises()
	const before = batches.length
	const { promise, resolve } = Promise.withResolvers<void>()
	engine = () => promise
	const first = append(item('first', limit - 1))
	const exact = append(item('exact', 1))
	const more = await append(item('more', 1))
	expect(more.outcome).toBe('overflow')
	engine = async () => {}
	resolve()
	const stored = await Promise.all([first, exact])
	expect(stored.map(({ outcome }) => typeof outcome)).toEqual(['object', 'object'])
	expect(names().slice(before)).toEqual(['first', 'exact'])
}

describe('close rejects with `closed`', () => {
	const close = () => {
		base.setHealth('closed')
		queue.close(base.closedError())
	}

	test('what has not been sent yet', async () => {
		const settled = outcomes([append(item('a')), append(item('b'), 5_000)])
		close()
		expect(await settled).toEqual(['closed', 'closed'])
		expect(batches).toEqual([])
	})

	test('what is under way and what is behind', async () => {
		const answer = hang()
		const settled = outcomes([append(item('a')), append(item('b'), 5_000), append(items(1_200))])
		await flushPromises()
		close()
		expect(await settled).toEqual(['closed', 'closed', 'closed'])
		answer()
		await flushPromises()
		expect(names()).toEqual(['a'])
	})

	test('what waits for the next try', async () => {
		engine = async () => {
			throw away()
		}
		const settled = outcomes([append(item('a'), 5_000), append(item('b'), 9_000)])
		await clock.advance(10)
		close()
		expect(await settled).toEqual(['closed', 'closed'])
		const tries = batches.length
		await clock.advance(20_000)
		expect(batches.length).toBe(tries)
	})

	test('what is about to be tried alone', async () => {
		engine = async ({ number }) => {
			if (number === 1) throw new SseError('failed', 'bad')
			close()
		}
		const settled = outcomes(['a', 'b', 'c'].map((name) => append(item(name))))
		expect((await settled).slice(1)).toEqual(['closed', 'closed'])
		expect(names()).toEqual(['a b c', 'a'])
	})

	test('a batch that is refused while it closes', async () => {
		engine = async () => {
			close()
			throw new SseError('failed', 'bad')
		}
		const settled = outcomes([append(item('a')), append(item('b'))])
		expect(await settled).toEqual(['closed', 'closed'])
		expect(names()).toEqual(['a b'])
	})
})
