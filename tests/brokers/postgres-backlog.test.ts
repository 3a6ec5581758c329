import { beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/lib/hub/broker.js'
import { eventually } from '../../src/lib/testing/conformance/recorder.js'
import { PostgresBench, rejection } from '../support/postgres-bench.js'

// Statements that take long because of much data: one that is cancelled at its time-out does nothing, however often it
// is tried.
const bench = new PostgresBench()
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })
/** Enough for a portion of 0.3 s, also on a slow machine, but not for the 2.4 s that all rows take. */
const timeout = 1_500
const rows = 40_000
const pending = () => bench.count('sequence is null')
const numberOf = async (data: string) =>
	Number(
		(await bench.rows('select sequence from sveltekit_sse where data = $1', [data]))[0]?.sequence
	)

beforeEach(async () => {
	await bench.drop()
	await bench.broker().migrate()
})

describe('a backlog that takes longer than the time-out', () => {
	test('is appended behind, in the order of its inserts, after a few tries', async () => {
		await bench.slowDown()
		await bench.insert(rows)
		const log = bench.broker({ timeout })
		const appending = log.append([entry('x')])
		expect(await rejection(20_000, appending)).toMatchObject({ code: 'timeout' })
		expect(await pending()).toBeLessThan(rows)
		await log.append([entry('behind')], { wait: 15_000 })
		expect(await pending()).toBe(0)
		expect(await numberOf('behind')).toBeGreaterThan(rows)
		const wrong = `sequence <= ${rows} and data <> sequence::text`
		expect([await bench.count(wrong), await bench.count(`data = 'behind'`)]).toEqual([0, 1])
	})

	test('is numbered by head and read too, a part by each call', async () => {
		await bench.slowDown()
		await bench.insert(rows)
		const log = bench.broker({ timeout })
		const left = [rows]
		let head: string | undefined
		while (!head) {
			head = await log.head().catch(() => undefined)
			left.push(await pending())
			if (left.at(-1) !== 0) expect(left.at(-1)).toBeLessThan(left.at(-2)!)
		}
		expect(left.length).toBeGreaterThan(2)
		expect(head).toContain(`-${rows}-`)
	})

	test('is handed over by a tail in order, the first events before all are numbered', async () => {
		// Nothing may be trimmed before a slow machine has read it.
		const log = bench.broker({ timeout, history: { events: 100_000 } })
		const tail = await bench.follow(log)
		await bench.slowDown()
		await bench.insert(rows)
		await tail.untilSeen(1)
		expect(await pending()).toBeGreaterThan(0)
		await tail.untilSeen(rows)
		expect(tail.data.every((data, index) => data === String(index + 1))).toBe(true)
		expect(tail.gaps).toEqual([])
	})
})

// Of a batch that is refused because of a backlog it is known that it was not stored.
test('an append that waits for a backlog is stored once, whatever is pruned meanwhile', async () => {
	await bench.slowDown()
	await bench.insert(rows)
	const log = bench.broker({ timeout })
	const appending = log.append([entry('once')], { wait: 15_000 })
	await eventually(async () => (await pending()) < rows - 8_000, 'it is refused')
	await bench.pool.query('delete from sveltekit_sse where sequence <= 8000')
	await appending
	expect(await bench.count(`data = 'once'`)).toBe(1)
})

describe('a history that takes longer than the time-out to prune', () => {
	async function fill(): Promise<void> {
		await bench.pool.query(`insert into sveltekit_sse (sequence, topic, name, data, at)
			select nth, 't', 'n', '', 1 from generate_series(1, ${rows}) as nth`)
		await bench.pool.query(`insert into sveltekit_sse_state (epoch, sequence, at)
			values ('epoch', ${rows}, 1)`)
		await bench.slowDown()
	}
	const some = () => Array.from({ length: 500 }, () => entry('x'))

	test.each([
		{ events: 1_000, age: undefined },
		{ events: undefined, age: 60_000 }
	])('is pruned in portions: %j', async (history) => {
		await fill()
		const log = bench.broker({ timeout, history })
		await log.append(some(), { wait: 5_000 })
		await eventually(async () => (await bench.count('true')) <= 1_000, 'old rows are pruned')
		expect(await bench.count(`data = 'x'`)).toBe(500)
	})

	test('is reported if it cannot be pruned in time', async () => {
		await fill()
		const release = await bench.hold('select from sveltekit_sse where sequence = 1 for update')
		const reports: unknown[] = []
		const onError = (error: unknown, { stage }: { stage: string }) => {
			reports.push({ code: (error as { code: string }).code, stage })
		}
		const log = bench.broker({ timeout, history: { events: 1_000 }, onError })
		await log.append(some(), { wait: 5_000 })
		await eventually(async () => reports.length > 0, 'it is reported')
		expect(reports).toEqual([{ code: 'timeout', stage: 'trim' }])
		await release()
	})
})
