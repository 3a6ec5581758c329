import { Pool, type PoolConfig } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migration, postgres, type PostgresOptions } from '../../src/lib/brokers/postgres.js'
import type { Broker, Cursor, Entry } from '../../src/lib/hub/broker.js'
import { eventually, Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js'
import { startPostgres, type ServerProcess } from '../support/servers.js'
import { conforms } from '../support/broker-conformance.js'

const wait = 20_000
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })

let server: ServerProcess
let pool: Pool
let pools: Pool[] = []
let brokers: Broker[] = []

function connect(config: PoolConfig = {}): Pool {
	const made = new Pool({ connectionString: server.url, ...config })
	pools.push(made)
	return made
}

function broker(from: Pool = pool, options: PostgresOptions = {}) {
	const made = postgres(from, { onError: () => {}, ...options })
	brokers.push(made)
	return made
}

async function follow(log: Broker): Promise<Recorder> {
	const tail = new Recorder(log)
	await tail.untilLive()
	return tail
}

beforeAll(async () => {
	server = await startPostgres()
	pool = new Pool({ connectionString: server.url })
})

afterAll(async () => {
	await pool?.end()
	await server?.close()
})

beforeEach(async () => {
	await pool.query('drop table if exists sveltekit_sse, sveltekit_sse_state cascade')
	await pool.query(migration())
})

afterEach(async () => {
	await Promise.all(brokers.map((one) => one.close()))
	await Promise.all(pools.map((one) => one.end()))
	brokers = []
	pools = []
})

test('a row with a number of its own gets one like all others', async () => {
	const log = broker()
	const tail = await follow(log)
	await log.append([entry('0')])
	await pool.query(
		`insert into sveltekit_sse (sequence, at, topic, name, data) values (1000, 1, 't', 'n', '1')`
	)
	await log.append([entry('2')])
	await tail.untilSeen(3)
	await pool.query(
		`insert into sveltekit_sse (sequence, at, topic, name, data) values (4, 1, 't', 'n', '3')`
	)
	await log.append([entry('4')])
	await tail.untilSeen(5)
	expect(tail.data).toEqual(['0', '1', '2', '3', '4'])
	expect(tail.gaps).toEqual([])
})

test('a pool is no client of a transaction', async () => {
	const refused = { code: 'invalid-argument' }
	await expect(broker().append([entry('x')], { client: pool })).rejects.toMatchObject(refused)
	await expect(broker().append([entry('x')], { client: connect() })).rejects.toMatchObject(refused)
})

describe('transactions', () => {
	test('one that began first and commits last is not skipped', async () => {
		const log = broker()
		const tail = await follow(log)
		const [first, second] = [await pool.connect(), await pool.connect()]
		await first.query('begin')
		await second.query('begin')
		expect(await log.append([entry('first')], { client: first })).toEqual([])
		await log.append([entry('second')], { client: second })
		await second.query('commit')
		await tail.untilSeen(1)
		const [between] = await log.append([entry('between')])
		await tail.untilSeen(2)
		await first.query('commit')
		await tail.untilSeen(3)
		expect(tail.data).toEqual(['second', 'between', 'first'])
		const page = await log.read(between as Cursor, { limit: 9 })
		expect(page.entries.map(({ data }) => data)).toEqual(['first'])
		expect(tail.gaps).toEqual([])
		first.release()
		second.release()
	})

	test('one that waits holds up nobody', async () => {
		const log = broker()
		const tail = await follow(log)
		const slow = await pool.connect()
		await slow.query('begin')
		await log.append([entry('slow')], { client: slow })
		for (let round = 0; round < 20; round++) await log.append([entry(String(round))])
		await tail.untilSeen(20)
		expect(tail.data).not.toContain('slow')
		await slow.query('commit')
		await tail.untilSeen(21)
		expect(tail.data.at(-1)).toBe('slow')
		slow.release()
	})

	test('what is rolled back was never there', async () => {
		const log = broker()
		const tail = await follow(log)
		const client = await pool.connect()
		await client.query('begin')
		await log.append([entry('never'), entry('ever')], { client })
		await client.query('rollback')
		await log.append([entry('after')])
		await tail.untilSeen(1)
		expect(tail.data).toEqual(['after'])
		expect(tail.gaps).toEqual([])
		client.release()
	})

	test('a commit comes before what is published after it', async () => {
		const log = broker()
		for (let round = 0; round < 20; round++) {
			const client = await pool.connect()
			await client.query('begin')
			await log.append([entry(`${round}a`)], { client })
			await client.query('commit')
			client.release()
			const [cursor] = await log.append([entry(`${round}b`)])
			const page = await log.read(cursor as Cursor, { limit: 9 })
			expect(page.entries).toEqual([])
		}
		const tail = new Recorder(log, { last: 40 })
		await tail.untilLive()
		const expected = Array.from({ length: 20 }, (_, round) => [`${round}a`, `${round}b`]).flat()
		expect(tail.data).toEqual(expected)
	})

	test('without anybody who follows, a commit is found by head and read', async () => {
		const log = broker()
		const start = await log.head()
		const client = await pool.connect()
		await client.query('begin')
		await log.append([entry('a'), entry('b')], { client })
		expect(await log.head()).toBe(start)
		await client.query('commit')
		client.release()
		const page = await log.read(start, { limit: 9 })
		expect(page.entries.map(({ data }) => data)).toEqual(['a', 'b'])
		expect(await log.head()).toBe(page.entries[1]?.cursor)
	})

	test('many at once, some rolled back, lose and repeat nothing', async () => {
		const log = broker(connect({ max: 10 }))
		const users = connect({ max: 8 })
		const [tail, other] = [await follow(log), await follow(broker())]
		const committed: string[] = []
		const worker = async (name: number) => {
			for (let round = 0; round < 15; round++) {
				const client = await users.connect()
				await client.query('begin')
				await log.append([entry(`${name}/${round}`)], { client })
				const keep = (name + round) % 3 !== 0
				if (round % 2) await log.append([entry(`${name}/${round}+`)])
				await client.query(keep ? 'commit' : 'rollback')
				client.release()
				if (keep) committed.push(`${name}/${round}`)
				if (round % 2) committed.push(`${name}/${round}+`)
			}
		}
		await Promise.all(Array.from({ length: 8 }, (_, name) => worker(name)))
		for (const one of [tail, other]) await one.untilSeen(committed.length)
		expect([...tail.data].sort()).toEqual(committed.sort())
		expect(other.data).toEqual(tail.data)
		expect([...tail.gaps, ...other.gaps]).toEqual([])
	})

	test('a client that is none is refused', async () => {
		const log = broker()
		const refused = log.append([entry('x')], { client: 'no client' })
		await expect(refused).rejects.toMatchObject({ code: 'invalid-argument' })
	})
})

test('a row that somebody else inserts is an event', async () => {
	const tail = await follow(broker())
	await pool.query(`create table if not exists orders (id int)`)
	await pool.query(`create or replace function announce() returns trigger language plpgsql as $$
		begin
			insert into sveltekit_sse (topic, name, data)
				values ('orders', 'created', json_build_object('id', new.id)::text);
			return null;
		end $$`)
	await pool.query(`create or replace trigger announce after insert on orders
		for each row execute function announce()`)
	await pool.query('insert into orders values (1), (2)')
	await tail.untilSeen(2)
	expect(tail.seen).toMatchObject([
		{ topic: 'orders', name: 'created', data: '{"id" : 1}' },
		{ topic: 'orders', name: 'created', data: '{"id" : 2}' }
	])
})

test('under a stricter isolation by default, concurrent publishers all succeed', async () => {
	const options = '-c default_transaction_isolation=serializable'
	const logs = [1, 2, 3].map(() => broker(connect({ options, max: 4 })))
	const tail = await follow(broker())
	await Promise.all(
		logs.map(async (log, name) => {
			for (let round = 0; round < 10; round++) {
				await log.append([entry(`${name}/${round}`)], { wait })
			}
		})
	)
	await tail.untilSeen(30)
	expect(new Set(tail.data).size).toBe(30)
})

/** A broker behind the proxy that has stored `before` and gets no more answers, and a tail that reads past the proxy. */
async function stalled(proxy: FaultProxy) {
	const url = `postgres://postgres@127.0.0.1:${proxy.port}/postgres`
	const log = broker(connect({ connectionString: url }), { timeout: 500 })
	const tail = await follow(broker())
	await log.append([entry('before')], { wait })
	proxy.stall()
	return { log, tail }
}

test('answers that are lost on the way make no entry twice', async () => {
	await using proxy = await startFaultProxy(server.port)
	const { log, tail } = await stalled(proxy)
	const waiting = log.append([entry('once')], { wait })
	await tail.until(() => tail.data.includes('once'), 'it is stored')
	proxy.reset()
	proxy.clear()
	await waiting
	await log.append([entry('after')], { wait })
	await tail.until(() => tail.data.includes('after'), 'all')
	expect(tail.data).toEqual(['before', 'once', 'after'])
})

// Its row is all by which it is known again.
test('an event that was sent and not answered is not stored again once it may have been pruned', async () => {
	await using proxy = await startFaultProxy(server.port)
	const { log, tail } = await stalled(proxy)
	// Longer than a test may take.
	const waiting = log.append([entry('once')], { wait: 10 * wait })
	const behind = log.append([entry('behind')])
	await tail.until(() => tail.data.includes('once'), 'it is stored')
	await expect(behind).rejects.toMatchObject({ code: expect.stringMatching(/network|timeout/) })
	await pool.query('delete from sveltekit_sse where sequence is not null')
	await broker().append([entry('other')])
	proxy.reset()
	proxy.clear()
	await expect(waiting).rejects.toMatchObject({
		code: 'network',
		message: expect.stringContaining('cannot be found out')
	})
	await log.append([entry('after')], { wait })
	await tail.until(() => tail.data.includes('after'), 'all')
	expect(tail.data).toEqual(['before', 'once', 'other', 'after'])
})

test('a database that was set back is a gap, also if as much was appended again', async () => {
	const log = broker(connect({ application_name: 'set back' }))
	const tail = await follow(log)
	await log.append([entry('kept')])
	const [, lost] = await log.append([entry('seen'), entry('and lost')])
	await tail.untilSeen(3)
	await pool.query(`do $$ begin
		delete from sveltekit_sse where sequence > 1;
		update sveltekit_sse_state set sequence = 1;
		perform pg_sleep(0.002);
		perform sveltekit_sse_append_v2('other', array['t','t'], array['n','n'], array['x','y'],
			array[null,null], array['','']);
		perform pg_terminate_backend(pid) from pg_stat_activity
			where application_name = 'set back';
	end $$`)
	await tail.until(() => tail.gaps.length > 0, 'a gap')
	expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
	expect(await broker().read(lost as Cursor, { limit: 5 })).toMatchObject({ gap: 'unknown' })
	await log.append([entry('next')], { wait })
	await tail.until(() => tail.data.includes('next'), 'live again')
	expect(tail.gaps).toHaveLength(1)
})

// Whenever the connection was lost again, until this process appended again.
test('a database that was set back is told once, however often the connection is lost', async () => {
	const log = broker(connect({ application_name: 'set back' }))
	const tail = await follow(log)
	await log.append([entry('kept')])
	await log.append([entry('seen'), entry('and lost')])
	await tail.untilSeen(3)
	await pool.query(`delete from sveltekit_sse where sequence > 1`)
	await pool.query(`update sveltekit_sse_state set sequence = 1`)
	for (const lives of [2, 3, 4]) {
		await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
			where application_name = 'set back'`)
		await tail.untilLive(lives)
	}
	expect(tail.gaps).toMatchObject([{ reason: 'unknown' }])
})

test('a row deleted out of the middle is a gap', async () => {
	const log = broker()
	const start = await log.head()
	await log.append(['0', '1', '2', '3', '4'].map(entry))
	await pool.query('delete from sveltekit_sse where sequence = 3')
	const tail = new Recorder(log, { after: start })
	await tail.untilSeen(4)
	expect(tail.data).toEqual(['0', '1', '3', '4'])
	expect(tail.gaps).toMatchObject([{ reason: 'trimmed' }])
})

test('events that no notification announces are found by looking', async () => {
	const tail = await follow(broker())
	await pool.query('alter table sveltekit_sse disable trigger all')
	await pool.query(`insert into sveltekit_sse (topic, name, data) values ('t', 'n', 'quiet')`)
	await tail.untilSeen(1)
	expect(tail.data).toEqual(['quiet'])
})

test('a table does not grow for ever, whoever fills it', async () => {
	const log = broker(pool, { history: { events: 1_000 } })
	const tail = await follow(log)
	for (let round = 1; round <= 20; round++) {
		await pool.query(`insert into sveltekit_sse (topic, name, data)
			select 't', 'n', n::text from generate_series(1, 200) n`)
		// Who is behind by more than the history may miss some.
		await tail.untilSeen(round * 200)
	}
	// Only what is added later makes the table look at itself again.
	await pool.query('select pg_sleep(2)')
	await log.append(Array.from({ length: 500 }, () => entry('x')))
	const count = async () => {
		const { rows } = await pool.query('select count(*)::int as rows from sveltekit_sse')
		return rows[0].rows as number
	}
	await eventually(async () => (await count()) < 2_000, 'old rows are pruned')
	expect(await count()).toBeGreaterThanOrEqual(1_000)
	expect(tail.gaps).toEqual([])
})

test('a burst over the history is not pruned before those who follow have come to it', async () => {
	const log = broker()
	const start = await log.head()
	await log.append(Array.from({ length: 300 }, (_, index) => entry(String(index))))
	const prune = async (hours: number) => {
		await pool.query(`update sveltekit_sse set at = at + ${hours * 3_600_000}`)
		const { rows } = await pool.query('select sveltekit_sse_prune_v2(10, null)::int as dropped')
		return rows[0].dropped as number
	}
	expect([await prune(1), await prune(-2)]).toEqual([0, 290])
	expect(await log.read(start, { limit: 5 })).toMatchObject({ gap: 'trimmed' })
})

describe('migration', () => {
	test('runs any number of times, and many at once', async () => {
		await pool.query('drop table sveltekit_sse, sveltekit_sse_state cascade')
		const logs = Array.from({ length: 6 }, () => broker(connect()))
		await Promise.all(logs.map((log) => log.migrate()))
		const [cursor] = await (logs[0] as Broker).append([entry('kept')])
		await logs[1]?.migrate()
		expect(await logs[2]?.head()).toBe(cursor)
	})

	test('that was forgotten is said with its remedy', async () => {
		const log = broker(pool, { table: 'not_there' })
		await expect(log.append([entry('x')])).rejects.toThrow(/call `await broker\.migrate\(\)` once/)
		await expect(log.head()).rejects.toMatchObject({ code: 'failed' })
	})

	test.each([
		'',
		'Upper',
		'a b',
		'a-b',
		'1a',
		'a.b.c',
		'x'.repeat(41),
		'a"; drop table orders; --',
		"a'",
		'ä',
		'a\n'
	])('the table %j is refused at the call', (table) => {
		expect(() => postgres(pool, { table })).toThrow(/`table` must be name or schema\.name/)
		expect(() => migration({ table })).toThrow(/`table` must be/)
	})
})

test('something that is no pool is refused at the call', () => {
	expect(() => postgres('postgres://me:secret@localhost' as never)).toThrow(
		expect.objectContaining({ message: expect.not.stringContaining('secret') })
	)
	expect(() => postgres({} as never)).toThrow(/must be a `Pool` of the package `pg`/)
})

test('a pool whose clients all follow is said with its remedy', async () => {
	const log = broker(connect({ max: 1 }), { timeout: 300 })
	await follow(log)
	await expect(log.head()).rejects.toMatchObject({
		code: 'timeout',
		message: expect.stringContaining('`max`')
	})
})

test('close leaves no handle, no connection and no listener', async () => {
	const before = pool.listenerCount('error')
	const log = postgres(pool)
	await follow(log)
	await log.append([entry('x')])
	await log.close()
	expect(pool.listenerCount('error')).toBe(before)
	const listening = async () => {
		const { rows } = await pool.query(`select from pg_stat_activity where query like 'listen%'`)
		return rows.length
	}
	await eventually(async () => (await listening()) === 0, 'nobody listens')
	expect(pool.waitingCount).toBe(0)
	expect(pool.idleCount).toBe(pool.totalCount)
})

describe('in a schema, with a reserved word for a name', () => {
	const migrated = new Set<string>()
	let many: Pool
	// Each tail keeps a client.
	beforeAll(() => {
		many = new Pool({ connectionString: server.url, max: 40 })
	})
	afterAll(() => many.end())
	conforms('the contract', () => ({
		async create(log, settings) {
			const own = log.replace('conformance', 'order_')
			const made = postgres(many, { table: `events.${own}`, ...settings })
			await pool.query('create schema if not exists events')
			if (!migrated.has(own)) await made.migrate()
			migrated.add(own)
			return made
		},
		spansProcesses: true
	}))
	test('user', async () => {
		const log = broker(pool, { table: 'user' })
		await log.migrate()
		const [cursor] = await log.append([entry('x')])
		expect(await log.head()).toBe(cursor)
	})
})
