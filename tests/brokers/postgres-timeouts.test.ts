import { beforeEach, describe, expect, test } from 'vitest'
import type { PoolClient } from 'pg'
import type { Entry } from '../../src/lib/hub/broker.js'
import { Budget } from '../../src/lib/brokers/deadline.js'
import { query } from '../../src/lib/brokers/postgres-query.js'
import { eventually } from '../../src/lib/testing/conformance/recorder.js'
import { PostgresBench, rejection } from '../support/postgres-bench.js'

const bench = new PostgresBench()
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })
const exclusive = 'lock table sveltekit_sse in access exclusive mode'

beforeEach(async () => {
	await bench.drop()
	await bench.broker().migrate()
})

/** How many connections a pool of that name has on the server. */
async function backends(name: string): Promise<number> {
	const rows = await bench.rows('select from pg_stat_activity where application_name = $1', [name])
	return rows.length
}

describe('while somebody has locked the table', () => {
	// PostgreSQL does not notice that a client is gone while its statement waits for a lock.
	test.each([1, 3])(
		'calls end in time, on the server too, with %i clients in the pool',
		async (max) => {
			const pool = bench.connect({ application_name: 'publisher', max })
			const log = bench.broker({ timeout: 2_000 }, pool)
			await bench.makePatient()
			const release = await bench.hold(exclusive)
			const calls = [
				log.append([entry('lost')]),
				log.head(),
				log.head(),
				log.read('a-0-0', { limit: 1 })
			]
			for (const error of await Promise.all(calls.map((call) => rejection(4_000, call)))) {
				expect(error).toMatchObject({ code: 'timeout' })
			}
			await eventually(async () => (await bench.waiting()).length === 0, 'nothing waits')
			await release()
			await log.append([entry('next')], { wait: 9_000 })
			expect(await backends('publisher')).toBeLessThanOrEqual(max)
		}
	)

	test('a tail leaves no statement behind, and then has every event once', async () => {
		const log = bench.broker({ timeout: 400 })
		const following = bench.broker({ timeout: 400 }, bench.connect({ application_name: 'tail' }))
		const tail = await bench.follow(following)
		await log.append([entry('before')], { wait: 9_000 })
		await tail.untilSeen(1)
		await bench.pool.query(
			`insert into sveltekit_sse (topic, name, data) values ('t', 'n', 'seen')`
		)
		await tail.untilSeen(2)
		const release = await bench.hold(exclusive)
		let outages = 0
		following.onHealth(() => outages++)
		// Wakes it up, so that it looks at the table.
		await bench.pool.query(`select pg_notify('sveltekit_sse', 'n')`)
		await eventually(async () => outages > 0, 'the tail has given up once')
		await eventually(async () => (await backends('tail')) === 0, 'its client is gone')
		await release()
		await log.append([entry('after')], { wait: 9_000 })
		await tail.untilSeen(3)
		expect(tail.data).toEqual(['before', 'seen', 'after'])
		expect(tail.gaps).toEqual([])
	})

	test('the functions give up by themselves, however long the broker would wait', async () => {
		const log = bench.broker({ timeout: 30_000 })
		const release = await bench.hold(exclusive)
		expect(await rejection(20_000, log.append([entry('x')]))).toMatchObject({
			code: 'timeout',
			message: expect.stringContaining('`pg_locks`')
		})
		await release()
	})
})

describe('the session of a tail', () => {
	async function limitOf(pooled: boolean): Promise<unknown> {
		const pool = bench.connect()
		const clients: PoolClient[] = []
		pool.on('connect', (client) => {
			clients.push(client)
			// A pooler makes up its own.
			if (pooled) Object.assign(client, { processID: 1_234_567_890 })
		})
		await bench.follow(bench.broker({ timeout: 4_000 }, pool))
		const { rows } = await clients[0]!.query('show statement_timeout')
		return rows[0].statement_timeout
	}

	test('has the broker’s limit, so that the server ends what nobody waits for', async () => {
		expect(await limitOf(false)).toBe('4s')
	})

	// In transaction mode the setting would stay with a connection that others are given.
	test('is left as it is behind a pooler', async () => {
		expect(await limitOf(true)).toBe('0')
	})
})

describe('the limit of a call', () => {
	test('is one for the wait for a client and for the answer', async () => {
		const pool = bench.connect({ max: 1 })
		const only = await pool.connect()
		const [error] = await Promise.all([
			rejection(3_000, query(pool, 2_000, 'select pg_sleep(60)')),
			only.query('select pg_sleep(1.5)').finally(() => only.release())
		])
		expect(error).toMatchObject({ code: 'timeout', message: expect.stringContaining('2000 ms') })
	})

	/** Makes `number` meet so many conflicts, and then take some seconds and say that it has numbered rows. */
	async function replaceNumber({ conflicts = 0, seconds = 0, rows = 0 }): Promise<void> {
		await bench.pool.query('drop sequence if exists tries')
		// Sequences are not rolled back.
		await bench.pool.query('create sequence tries')
		await bench.pool.query(`drop function sveltekit_sse_number_v2;
			create function sveltekit_sse_number_v2("maxRows" bigint default 5000) returns bigint
			language plpgsql as $$ begin
				if nextval('tries') <= ${conflicts} then
					raise exception 'could not serialize' using errcode = '40001';
				end if;
				perform pg_sleep(${seconds});
				return ${rows};
			end $$`)
	}

	test('allows for many conflicts', async () => {
		await replaceNumber({ conflicts: 8 })
		expect(await bench.broker({ timeout: 20_000 }).head()).toMatch(/-0-0$/)
	})

	test('is told with the conflict before it', async () => {
		await replaceNumber({ conflicts: 1, seconds: 60 })
		expect(await rejection(4_000, bench.broker({ timeout: 2_000 }).head())).toMatchObject({
			code: 'timeout',
			message: expect.stringMatching(/did not answer within 2000 ms; .* conflict/),
			cause: { message: expect.stringContaining('serialize') }
		})
	})

	test('is kept if conflicts do not end', async () => {
		await replaceNumber({ conflicts: 1_000_000 })
		expect(await rejection(4_000, bench.broker({ timeout: 2_000 }).head())).toMatchObject({
			code: 'timeout',
			message: expect.stringContaining('conflict'),
			cause: { message: expect.stringContaining('serialize') }
		})
	})

	test('is one for the numbering and what comes behind it', async () => {
		await replaceNumber({ seconds: 1.5 })
		const release = await bench.hold('lock table sveltekit_sse_state in access exclusive mode')
		const head = bench.broker({ timeout: 2_000 }).head()
		expect(await rejection(3_000, head)).toMatchObject({ code: 'timeout' })
		await release()
	})

	test('is one for all portions of a backlog', async () => {
		await replaceNumber({ seconds: 1.5, rows: 5_000 })
		const head = bench.broker({ timeout: 2_000 }).head()
		expect(await rejection(2_800, head)).toMatchObject({ code: 'timeout' })
	})

	test('lets nothing be asked for when it is over', async () => {
		const budget = new Budget(1)
		await new Promise((resolve) => setTimeout(resolve, 5))
		let asked = 0
		const late = query(bench.pool, budget, 'select 1', [], () => asked++)
		expect(await rejection(4_000, late)).toMatchObject({ code: 'timeout' })
		expect(asked).toBe(0)
	})
})
