import { readFile } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/lib/hub/broker.js'
import { PostgresBench } from '../support/postgres-bench.js'

// A rolling deploy: processes of the first version and of this one use one table. Each process brings its own
// functions when it starts.
const bench = new PostgresBench()
const entry = (data: string): Entry => ({ topic: 't', name: 'n', data })

async function startFirst(): Promise<void> {
	const sql = await readFile(new URL('../support/postgres-version-1.sql', import.meta.url), 'utf8')
	await bench.pool.query(sql)
}

const starts = {
	'the first version, then this one': async () => {
		await startFirst()
		await bench.broker().migrate()
	},
	'this version, then the first one': async () => {
		await bench.broker().migrate()
		await startFirst()
	},
	'the first version, this one, then the first one again': async () => {
		await startFirst()
		await bench.broker().migrate()
		await startFirst()
	}
}

describe.each(Object.entries(starts))('after %s', (_, start) => {
	beforeEach(async () => {
		await bench.drop()
		await start()
	})

	test('appends and inserts of both are each in the log once, in one order, and wake both', async () => {
		const log = bench.broker()
		const tail = await bench.follow(log)
		const listener = await bench.pool.connect()
		const payloads: (string | undefined)[] = []
		listener.on('notification', ({ payload }) => payloads.push(payload))
		await listener.query('listen sveltekit_sse')
		const data: string[] = []
		const work = async (name: string, append: (data: string) => Promise<unknown>) => {
			for (let round = 0; round < 20; round++) {
				data.push(`${name}${round}`)
				await append(`${name}${round}`)
			}
		}
		await Promise.all([
			work('first', (text) => bench.appendAsFirst(text)),
			work('this', (text) => log.append([entry(text)])),
			work('plain', (text) =>
				bench.pool.query(`insert into sveltekit_sse (topic, name, data) values ('t', 'n', $1)`, [
					text
				])
			),
			work('numbers', async (text) => {
				await bench.appendAsFirst(text)
				await bench.pool.query('select sveltekit_sse_number()')
			})
		])
		await tail.untilSeen(data.length)
		expect([...tail.data].sort()).toEqual(data.sort())
		expect(tail.gaps).toEqual([])
		const stored = await bench.rows(
			'select sequence::int, data from sveltekit_sse order by sequence'
		)
		expect(stored).toEqual(tail.data.map((text, index) => ({ sequence: index + 1, data: text })))
		// Once for each statement.
		expect(payloads.sort()).toEqual([...Array(60).fill(''), ...Array(20).fill('n')])
		listener.release(true)
	})

	test('a backlog that is too long for one statement is numbered by this version', async () => {
		await bench.slowDown()
		await bench.insert(40_000)
		const log = bench.broker({ timeout: 1_500 })
		await log.append([entry('behind')], { wait: 15_000 })
		await bench.appendAsFirst('last')
		const ends = await bench.rows(`select sequence::int, data from sveltekit_sse
			where sequence >= 40000 order by sequence`)
		expect(ends).toEqual([
			{ sequence: 40_000, data: '40000' },
			{ sequence: 40_001, data: 'behind' },
			{ sequence: 40_002, data: 'last' }
		])
	})

	test('the functions of both are there, and are left as they are by the next start', async () => {
		const functions = () =>
			bench.rows(`select proname::text as name, xmin::text from pg_proc
				where proname like 'sveltekit_sse%' order by 1`)
		const before = await functions()
		const names = ['append', 'lock', 'number', 'prune', 'wake'].flatMap((name) => [
			`sveltekit_sse_${name}`,
			`sveltekit_sse_${name}_v2`
		])
		expect(before.map(({ name }) => name)).toEqual(names)
		await bench.broker().migrate()
		expect(await functions()).toEqual(before)
	})
})
