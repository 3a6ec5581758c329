import { describe, expect } from 'vitest'
import { drain } from '../../../src/lib/produce/drain.js'
import { StreamLog } from '../../support/stream-log.js'
import { test } from './fixture.js'

/** The retry that a client is told, once its stream has ended with `restart`. */
async function retryOf(log: StreamLog): Promise<number> {
	const [hello, retry, close] = await log.ended
	expect([hello, close]).toEqual([{ hello: 30_000 }, { close: 'restart' }])
	return (retry as { retry: number }).retry
}

describe('drain()', () => {
	test('ends every stream with `restart`, and spreads the clients over the time', async ({
		open
	}) => {
		const streams = Array.from({ length: 400 }, () => open())
		const logs = streams.map((stream) => stream.read())
		await drain({ within: 8_000 })
		const retries = await Promise.all(logs.map(retryOf))
		expect(Math.min(...retries)).toBeGreaterThanOrEqual(0)
		expect(Math.max(...retries)).toBeLessThan(8_000)
		const eighths = Array.from(
			{ length: 8 },
			(_, eighth) => retries.filter((retry) => Math.floor(retry / 1_000) === eighth).length
		)
		// Even enough: a share of 50 each, give or take.
		expect(Math.min(...eighths)).toBeGreaterThan(15)
		expect(streams.map(({ stops }) => stops)).toEqual(streams.map(() => [['stop', 'restart']]))
	})

	test('spreads them over five seconds when nothing is said', async ({ open }) => {
		const logs = Array.from({ length: 200 }, () => open().read())
		await drain()
		const retries = await Promise.all(logs.map(retryOf))
		expect(Math.max(...retries)).toBeLessThan(5_000)
		expect(Math.max(...retries)).toBeGreaterThan(4_000)
	})

	test('within no time calls them back at once', async ({ open }) => {
		const log = open().read()
		await drain({ within: 0 })
		expect(await retryOf(log)).toBe(0)
	})

	test('resolves soon when the last bytes were taken', async ({ open, clock }) => {
		open().read()
		let drained = false
		void drain().then(() => (drained = true))
		await clock.advance(20)
		expect(drained).toBe(true)
	})

	test('waits a second, no longer, for a client that does not take them', async ({
		open,
		clock
	}) => {
		open().connection.emit('a', 'x'.repeat(200_000))
		let drained = false
		void drain().then(() => (drained = true))
		await clock.advance(900)
		expect(drained).toBe(false)
		await clock.advance(200)
		expect(drained).toBe(true)
	})

	test('resolves at once without streams, and leaves new ones alone', async ({ open }) => {
		await drain()
		const { connection } = open()
		expect(connection.emit('a', 'x').error).toBe(false)
	})

	test('ends all of them, though one’s producer throws as it ends', async ({ open }) => {
		const failing = open({}, ({ lock }) => {
			lock.subscribe((locked) => {
				if (!locked) throw new Error('lock')
			})
			return () => {
				throw new Error('stop')
			}
		})
		void failing.read()
		const log = open().read()
		await drain({ within: 100 })
		await retryOf(log)
		expect(failing.errors.map(String)).toEqual(['Error: lock', 'Error: stop'])
	})

	test.for([-1, NaN, Infinity, '5000', null, 2 ** 31])(
		'within %o is refused, and ends nothing',
		async (within, { open }) => {
			const { connection } = open()
			await expect(drain({ within: within as number })).rejects.toMatchObject({
				code: 'invalid-argument'
			})
			expect(connection.signal.aborted).toBe(false)
		}
	)
})

test('the process is listened to once, however many streams there are', ({ open }) => {
	const count = () => ['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal))
	open()
	const before = count()
	for (let i = 0; i < 50; i++) open()
	expect(count()).toEqual(before)
})
