import { beforeEach, describe, expect, test } from 'vitest'
import { namesOf } from '../../src/lib/brokers/postgres-names.js'
import { migration } from '../../src/lib/brokers/postgres.js'
import type { Entry, LogEntry } from '../../src/lib/hub/broker.js'
import { eventually, Recorder } from '../../src/lib/testing/conformance/recorder.js'
import { PostgresBench, rejection } from '../support/postgres-bench.js'

const bench = new PostgresBench()
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })
const publishing = `insert into sveltekit_sse (topic, name, data) values ('t', 'n', 'held')`

/** Changes whenever a statement touches the log's tables, indexes, constraints, trigger or functions. */
async function catalog(): Promise<unknown> {
	return bench.rows(`select 'c' as of, relname::text as name, xmin::text from pg_class where relname like 'sveltekit_sse%'
		union all select 'p', proname::text, xmin::text from pg_proc where proname like 'sveltekit_sse%'
		union all select 'd', description, xmin::text from pg_description where description like 'sveltekit-sse%'
		order by 1, 2`)
}

describe('migrate() of this version', () => {
	beforeEach(async () => {
		await bench.drop()
		await bench.broker().migrate()
	})

	// Each start of a process took locks for which it waited, and everybody who published waited behind it.
	test('changes nothing, and does not need the table that a transaction has locked', async () => {
		const before = await catalog()
		const release = await bench.hold('lock table sveltekit_sse in access exclusive mode')
		await bench.broker({ timeout: 2_000 }).migrate()
		await release()
		expect(await catalog()).toEqual(before)
	})

	test('needs no right to make tables', async () => {
		await bench.pool.query('drop role if exists visitor')
		await bench.pool.query('create role visitor login')
		const url = bench.server.url.replace('postgres@', 'visitor@')
		await bench.broker({}, bench.connect({ connectionString: url })).migrate()
	})

	test('leaves a later version alone', async () => {
		await bench.pool.query(`comment on table sveltekit_sse is 'sveltekit-sse 900'`)
		const before = await catalog()
		await bench.broker().migrate()
		expect(await catalog()).toEqual(before)
	})

	test('brings its functions to a later version, and does not lower that', async () => {
		await bench.pool.query(`comment on table sveltekit_sse is 'sveltekit-sse 900'`)
		await bench.pool.query('drop function sveltekit_sse_number_v2, sveltekit_sse_lock_v2')
		const log = bench.broker()
		await log.migrate()
		await log.append([entry('x')])
		expect(
			await bench.rows(`select obj_description('sveltekit_sse'::regclass, 'pg_class') as comment`)
		).toEqual([{ comment: 'sveltekit-sse 900' }])
	})

	test.each([
		'drop table sveltekit_sse_state cascade',
		'drop function sveltekit_sse_append_v2',
		'drop trigger sveltekit_sse_wake on sveltekit_sse'
	])('makes what is missing after %j', async (damage) => {
		await bench.pool.query(damage)
		const log = bench.broker()
		await log.migrate()
		const tail = await bench.follow(log)
		await log.append([entry('x')])
		await tail.untilSeen(1)
		expect(
			await bench.rows(`select from pg_trigger where tgname = 'sveltekit_sse_wake'`)
		).toHaveLength(1)
	})
})

describe('migrate() of a table of the first version', () => {
	beforeEach(() => bench.makeFirstVersion())

	const untilItWaits = () =>
		eventually(
			async () => (await bench.waiting()).some((text) => /^-- Only what is missing/.test(text)),
			'the migration waits for the table'
		)

	test('keeps what is there, adds what is missing', async () => {
		const log = bench.broker()
		await bench.appendAsFirst('old')
		const [state] = await bench.rows('select epoch from sveltekit_sse_state')
		await log.migrate()
		expect(await log.head()).toContain(`${String(state?.epoch)}-1-`)
		await log.append([entry('new')])
		const tail = new Recorder(log, { last: 9 })
		await tail.untilSeen(2)
		expect(tail.data).toEqual(['old', 'new'])
		await expect(
			bench.pool.query(`insert into sveltekit_sse (topic, name, data) values ('t', '', '')`)
		).rejects.toThrow('sveltekit_sse_name_can_be_sent')
	})

	test('holds up publishers for moments only while a transaction holds the table', async () => {
		const log = bench.broker()
		const release = await bench.hold(publishing)
		let isMigrated = false
		const migrating = bench.startMigration({ timeout: 10_000 })
		migrating.then(
			() => (isMigrated = true),
			() => {}
		)
		await untilItWaits()
		// The functions are there before.
		const tail = await bench.follow(log)
		for (let round = 0; round < 3; round++) {
			await untilItWaits()
			await log.append([entry(String(round))])
		}
		expect(isMigrated).toBe(false)
		await release()
		await migrating
		await log.append([entry('after')])
		await tail.untilSeen(5)
		expect(tail.data).toEqual(['0', '1', '2', 'held', 'after'])
		expect(tail.gaps).toEqual([])
	})

	test('gives up in bounded time, says what to do, and leaves nothing waiting on the server', async () => {
		const release = await bench.hold(publishing)
		const log = bench.broker({ timeout: 2_500 })
		const error = (await rejection(7_500, log.migrate())) as Error
		expect(error).toMatchObject({
			code: 'timeout',
			message: expect.stringMatching(
				/^The table sveltekit_sse could not be .* in use by an open transaction \(process \d+\); .*end it/
			)
		})
		// Each of them holds up publishers for a moment only; the first is the part that waits for nobody.
		expect(Number(/in (\d+) tries/.exec(error.message)?.[1])).toBeGreaterThan(4)
		await eventually(async () => (await bench.waiting()).length === 0, 'nothing waits')
		await release()
		await log.migrate()
	})

	// One statement numbered all of it while it held the table.
	test('numbers a long backlog while others publish', async () => {
		await bench.slowDown()
		await bench.insert(40_000)
		let isOver = false
		// Too short to number all in one statement, which takes 2.4 s.
		const migrating = bench.startMigration({ timeout: 1_500 })
		void migrating.catch(() => {}).then(() => (isOver = true))
		let inserts = 0
		while (!isOver) {
			await bench.insert(1, 40_001 + inserts++)
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
		await migrating
		expect(inserts).toBeGreaterThan(10)
		const log = bench.broker()
		await log.head()
		expect(await bench.count('data = sequence::text')).toBe(40_000 + inserts)
	})

	test('starts over if much is published while it waits', async () => {
		await bench.slowDown()
		const release = await bench.hold(`insert into sveltekit_sse (topic, name, data)
			select 't', 'n', '' from generate_series(1, 50000)`)
		// Too short to number all while it holds the table, which takes 3 s.
		const migrating = bench.startMigration({ timeout: 2_000 })
		await untilItWaits()
		await release()
		await migrating
		expect(await bench.count('sequence between 1 and 50000')).toBe(50_000)
	})

	// PostgreSQL ends an autovacuum only for those who wait for longer than its `deadlock_timeout` of 1 s.
	test('ends an autovacuum that would take long', async () => {
		await bench.insert(60_000)
		await bench.pool.query(`update sveltekit_sse set data = repeat('x', 100)`)
		await bench.pool.query(`alter table sveltekit_sse set (autovacuum_vacuum_cost_delay = 100,
			autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1,
			autovacuum_vacuum_scale_factor = 0)`)
		await bench.pool.query(`alter system set autovacuum_naptime = '1s'`)
		await bench.pool.query('alter system set autovacuum = on')
		await bench.pool.query('select pg_reload_conf()')
		const vacuums = () =>
			bench.rows(`select from pg_stat_activity
				where backend_type = 'autovacuum worker' and query like '%sveltekit_sse%'`)
		try {
			await eventually(async () => (await vacuums()).length > 0, 'an autovacuum runs')
			await bench.broker({ timeout: 3_000 }).migrate()
		} finally {
			await bench.pool.query('alter system reset all')
			await bench.pool.query('select pg_reload_conf()')
		}
	})

	test.each([
		[
			'lock table sveltekit_sse in share update exclusive mode',
			/in use by a vacuum, .* \(process \d+\);/
		],
		[
			`select pg_advisory_xact_lock(hashtext('sveltekit-sse'), hashtext('sveltekit_sse'))`,
			/in use by another migration \(process \d+\);/
		]
	])('says what is in the way: %s', async (text, message) => {
		const release = await bench.hold(text)
		const start = performance.now()
		const migrating = bench.startMigration({ timeout: 2_500 })
		await eventually(async () => (await bench.waiting()).length > 0, 'the migration waits')
		const seen = performance.now()
		const error = await rejection(7_500, migrating)
		const end = performance.now()
		expect(error).toMatchObject({ code: 'timeout', message: expect.stringMatching(message) })
		const told = Number(/within (\d+) ms/.exec((error as Error).message)?.[1])
		expect(told).toBeGreaterThan(0.75 * (end - seen))
		expect(told).toBeLessThanOrEqual(Math.ceil(end - start))
		await release()
	})

	test('is done once, however many processes start, whatever their default isolation', async () => {
		const options = '-c default_transaction_isolation=serializable'
		const logs = Array.from({ length: 6 }, () => bench.broker({}, bench.connect({ options })))
		await Promise.all(logs.map((log) => log.migrate()))
		await Promise.all(logs.map((log, index) => log.append([entry(String(index))], { wait: 9_000 })))
		const checks = await bench.rows(`select conname from pg_constraint
			where conrelid = 'sveltekit_sse'::regclass and contype = 'c' order by 1`)
		expect(checks.map(({ conname }) => conname)).toEqual([
			'sveltekit_sse_flags_are_known',
			'sveltekit_sse_name_can_be_sent',
			'sveltekit_sse_topic_can_be_sent'
		])
	})

	// JSON.parse threw, and the tail came back to that row for ever. An update of a row that breaks a constraint is
	// refused, so that a pending one would have kept everybody from appending.
	test('keeps rows that cannot be sent in their places, numbered or not, and goes on behind them', async () => {
		const log = bench.broker()
		const insert = `insert into sveltekit_sse (topic, name, data, flags) values `
		await bench.appendAsFirst('first')
		await bench.pool.query(
			`${insert} ('t', 'n', 'a', ''), ('t', '', 'b', ''), ('t', E'x\\ny', 'c', '')`
		)
		await bench.pool.query('select sveltekit_sse_number()')
		await bench.pool.query('alter table sveltekit_sse disable trigger all')
		await bench.pool.query(
			`${insert} ('t', 'n', '{', 'j'), ('t', 'n', '{}', 'j'), ('t', E'\\r', '', 'z')`
		)
		await bench.pool.query('alter table sveltekit_sse enable trigger all')
		await log.migrate()
		await log.append([entry('after')])
		const tail = new Recorder(log, { last: 8 })
		await tail.untilSeen(8)
		const [{ cursor: start }, ...seen] = tail.seen as [LogEntry, ...LogEntry[]]
		const { entries } = await log.read(start, { limit: 9 })
		expect(entries).toEqual(seen)
		expect(entries.map(({ topic, name, data }) => [topic, name, data])).toEqual([
			['t', 'n', 'a'],
			['t', '', ''],
			['t', '', ''],
			['t', '', ''],
			['t', '', ''],
			['t', '', ''],
			['t', 'n', 'after']
		])
		expect(tail.gaps).toEqual([])
	})
})

describe('a row that cannot be sent', () => {
	const table = 'a'.repeat(40)

	beforeEach(async () => {
		await bench.drop(table)
		await bench.broker({ table }).migrate()
	})

	test.each([
		{ topic: '', refused: 'topic_can_be_sent' },
		{ topic: 'x'.repeat(513), refused: 'topic_can_be_sent' },
		{ name: '', refused: 'name_can_be_sent' },
		{ name: 'a\nb', refused: 'name_can_be_sent' },
		{ name: 'a\r', refused: 'name_can_be_sent' },
		{ flags: 'x', refused: 'flags_are_known' },
		{ flags: 'c\n', refused: 'flags_are_known' }
	])('is refused: %j', async ({ refused, ...wrong }) => {
		const row = { topic: 't', name: 'n', flags: '', ...wrong }
		const insert = `insert into ${table} (topic, name, data, flags) values ($1, $2, '', $3)`
		await expect(bench.pool.query(insert, [row.topic, row.name, row.flags])).rejects.toMatchObject({
			code: '23514',
			constraint: `${table}_${refused}`,
			message: expect.stringContaining(`${table}_${refused}`)
		})
	})

	test('is not one at the limits', async () => {
		const log = bench.broker({ table })
		const topic = '😀'.repeat(256)
		const [cursor] = await log.append([{ topic, name: '\u2028\\r', data: '\0', control: true }])
		expect(await log.head()).toBe(cursor)
	})

	// Inserted before the constraint, or past it: flag j promises a string in JSON.
	test('because its data is no JSON stops neither read nor a tail', async () => {
		const log = bench.broker({ table })
		const start = await log.head()
		await bench.pool.query(`insert into ${table} (topic, name, data, flags)
			values ('t', 'n', '{', 'j'), ('t', 'n', '"\\u0000"', 'j')`)
		const tail = new Recorder(log, { after: start })
		await tail.untilSeen(2)
		expect(tail.seen).toMatchObject([
			{ topic: 't', name: '', data: '' },
			{ topic: 't', name: 'n', data: '\0' }
		])
		const page = await log.read(start, { limit: 9 })
		expect(page.entries).toEqual(tail.seen)
	})
})

describe('the name of a table', () => {
	// Whatever stands in the SQL, as a variable, a parameter, a column, an alias or a word, may be a table's name.
	const words = new Set(
		migration()
			.replace(/--.*/g, '')
			.match(/\b[a-z_][a-z0-9_]{0,39}\b/g)
	)
	for (const word of 'old new entry pending added state excluded user order table select'.split(
		' '
	)) {
		words.add(word)
	}
	// Those of the queries of the broker.
	for (const word of 's e last last_at first found topics _'.split(' ')) words.add(word)
	const own = /_(state|batch|pending|pkey|sequence_key|id_seq)$/
	const usable = [...words]
		.filter((word) => !own.test(word) && word !== 'sveltekit_sse')
		.map((word) => (/^pg_|^row$/.test(word) ? `public.${word}` : word))

	test(`may be any word of the SQL itself`, { timeout: 60_000 }, async () => {
		expect(usable.length).toBeGreaterThan(100)
		const failed: Record<string, unknown> = {}
		const left = [...usable]
		const work = async () => {
			for (let word = left.pop(); word; word = left.pop()) {
				const found = await use(word).catch((error: unknown) => error)
				if (found !== 'works') failed[word] = String(found)
			}
		}
		await Promise.all(Array.from({ length: 4 }, work))
		expect(failed).toEqual({})
	})

	async function use(table: string): Promise<unknown> {
		const log = bench.broker({ table }, bench.pool)
		const { table: quoted } = namesOf(table)
		await log.migrate()
		const start = await log.head()
		await log.append(['0', '1', '2', '3'].map(entry))
		await bench.pool.query(`insert into ${quoted} (topic, name, data) values ('t', 'n', '4')`)
		const { entries } = await log.read(start, { limit: 9 })
		const { rowCount: woken } = await bench.pool.query(
			`select from pg_trigger where tgrelid = '${quoted}'::regclass`
		)
		await bench.pool.query(`update ${quoted} set at = at - 10000`)
		const prune = async (values: unknown[]) =>
			(
				await bench.rows(
					`select ${namesOf(table).routine('prune')}($1, $2)::int as dropped`,
					values
				)
			)[0]?.dropped
		const dropped = [await prune([3, null]), await prune([null, 1_000])]
		await log.close()
		await bench.drop(table)
		const result = JSON.stringify([entries.map(({ data }) => data).join(''), woken, dropped])
		return result === '["01234",1,[2,3]]' ? 'works' : result
	}

	test.each(['pg_class', 'row'])('%s needs a schema: PostgreSQL has that itself', (table) => {
		expect(() => bench.broker({ table })).toThrow('`table` must be schema.name')
	})

	test.each([
		'a_state',
		'a_batch',
		'a_pending',
		'a_pkey',
		'a_sequence_key',
		'a_id_seq',
		's.a_state'
	])('%s is refused at the call: the log of `a` has a part of that name', (table) => {
		expect(() => bench.broker({ table })).toThrow(
			expect.objectContaining({
				code: 'invalid-argument',
				message: expect.stringMatching(/must be a name that does not end in _state.*append _log/)
			})
		)
		expect(() => migration({ table })).toThrow(/append _log/)
	})
})
