import { comparePositions, parseCursor, type Position } from '../../hub/cursor.js'
import { defineCase, entry, expectData, numbered } from './case.js'
import { expect, expectEqual, expectRejection, Recorder } from './recorder.js'

function positions(cursors: readonly string[]): Position[] {
	return cursors.map((cursor) => {
		const position = parseCursor(cursor)
		expect(position, 'a cursor is of the common grammar', cursor)
		return position
	})
}

function expectIncreasing(cursors: readonly string[]): void {
	const all = positions(cursors)
	for (const [index, position] of all.entries()) {
		const previous = all[index - 1]
		if (!previous) continue
		expectEqual(position.epoch, previous.epoch, 'one log has one epoch')
		expect(comparePositions(previous, position) < 0, 'cursors increase', [previous, position])
	}
}

const strange = [
	'',
	'plain',
	'line\nbreak\r\nand\rreturn',
	'nul \0 inside',
	'quotes \' " ` $1 %s \\ {{}} -- ;',
	'Ünïcödé 漢字 🙂 \u2028 \ufeff',
	'x'.repeat(300_000)
]

export const appendCases = [
	defineCase('append gives each entry an increasing cursor', [], async ({ broker }) => {
		const log = await broker()
		const cursors = [
			...(await log.append(numbered(3))),
			...(await log.append(numbered(1))),
			...(await log.append(numbered(40)))
		]
		expectEqual(cursors.length, 44, 'there is a cursor for each entry')
		expectIncreasing(cursors)
	}),

	defineCase('append of nothing is nothing', [], async ({ broker }) => {
		const log = await broker()
		const before = await log.head()
		expectEqual(await log.append([]), [], 'there is no cursor')
		expectEqual(await log.head(), before, 'the log has not grown')
	}),

	defineCase('an entry comes back as it was, whatever it holds', [], async ({ broker }) => {
		const log = await broker()
		const start = await log.head()
		const sent = strange.flatMap((data) => [
			entry(data),
			entry(data, { topic: 'user:42/ä?*>.#', name: 'näme', except: 'tab 7' }),
			entry(data, { control: true })
		])
		const recorder = new Recorder(log)
		await recorder.untilLive()
		const since = Date.now()
		const cursors = await log.append(sent)
		await recorder.untilSeen(sent.length)
		const page = await log.read(start, { limit: 1_000 })
		const plain = ({ topic, name, data, except, control }: (typeof sent)[number]) => {
			return { topic, name, data, except, control: control ?? false }
		}
		for (const entries of [recorder.seen, page.entries]) {
			expectEqual(entries.map(plain), sent.map(plain), 'entries are whole')
			expectEqual(
				entries.map(({ cursor }) => cursor),
				cursors,
				'their cursors are those of append'
			)
			const minute = 60_000
			const timed = entries.every(({ at }) => Math.abs(at - since) < minute)
			expect(timed, 'they carry their time in milliseconds', entries[0]?.at)
		}
	}),

	defineCase('appends of one broker stand in the order they were made', [], async ({ broker }) => {
		const log = await broker()
		const start = await log.head()
		const sent = numbered(300)
		const cursors = await Promise.all(sent.map((one) => log.append([one])))
		expectIncreasing(cursors.flat())
		const page = await log.read(start, { limit: 1_000 })
		expectData({ data: page.entries.map(({ data }) => data) }, sent, 'the order is kept')
	}),

	defineCase('concurrent appends of several brokers lose and repeat nothing', [], async (bench) => {
		const brokers = [await bench.broker(), await bench.broker(), await bench.broker()]
		const tails = brokers.map((broker) => new Recorder(broker))
		for (const tail of tails) await tail.untilLive()
		const rounds = Array.from({ length: 60 }, (_, round) => round)
		await Promise.all(
			brokers.map(async (broker, index) => {
				for (const round of rounds) {
					const calls = [numbered(1, `${index}/${round}a`), numbered(3, `${index}/${round}b`)]
					await Promise.all(calls.map((entries) => broker.append(entries)))
				}
			})
		)
		const total = brokers.length * rounds.length * 4
		for (const tail of tails) await tail.untilSeen(total)
		const [first] = tails
		for (const tail of tails) {
			expectEqual(tail.data, first?.data, 'all tails see one order')
			expectEqual(tail.gaps, [], 'there is no gap')
		}
		expectEqual(new Set(first?.data).size, total, 'each entry is there once')
		for (const [index] of brokers.entries()) {
			const own = first?.data.filter((data) => data.startsWith(`${index}/`))
			const expected = rounds.flatMap((round) => [
				...numbered(1, `${index}/${round}a`),
				...numbered(3, `${index}/${round}b`)
			])
			expectData({ data: own ?? [] }, expected, 'each publisher’s order is kept')
		}
	}),

	defineCase('head is the end of the log for everyone', [], async ({ broker }) => {
		const [one, other] = [await broker(), await broker()]
		const empty = await one.head()
		expectEqual(await other.head(), empty, 'an empty log has one beginning')
		expectEqual(
			await one.read(empty, { limit: 5 }),
			{ entries: [], more: false },
			'nothing follows'
		)
		const cursors = await one.append(numbered(3))
		expectEqual(await other.head(), cursors.at(-1), 'head is the last entry’s cursor')
		expectIncreasing([empty, ...cursors])
	}),

	defineCase('what is appended can be read by everyone at once', [], async ({ broker }) => {
		const [one, other] = [await broker(), await broker()]
		let cursor = await one.head()
		for (let round = 0; round < 25; round++) {
			await one.append([entry(String(round))])
			const page = await other.read(cursor, { limit: 5 })
			expectData(
				{ data: page.entries.map(({ data }) => data) },
				[entry(String(round))],
				'the entry is there when append has resolved'
			)
			cursor = page.entries.at(-1)?.cursor as string
		}
	}),

	defineCase('read gives a range in pages', [], async ({ broker }) => {
		const log = await broker()
		const start = await log.head()
		const sent = numbered(25)
		for (let at = 0; at < sent.length; at += 5) await log.append(sent.slice(at, at + 5))
		const seen: string[] = []
		let after = start
		for (let pages = 0; pages < 9; pages++) {
			const page = await log.read(after, { limit: 4 })
			expect(page.entries.length <= 4, 'a page is no longer than its limit', page.entries.length)
			expect(page.more || seen.length + page.entries.length === 25, 'more says so', page.more)
			seen.push(...page.entries.map(({ data }) => data))
			after = page.entries.at(-1)?.cursor ?? after
		}
		expectData({ data: seen }, sent, 'the pages are the range')
		const last = await log.read(after, { limit: 4 })
		expectEqual(last, { entries: [], more: false }, 'behind the end is nothing')
	}),

	defineCase('logs of different names share nothing', [], async ({ broker, log }) => {
		const [one, other] = [await broker(), await broker({}, `${log}other`)]
		const tail = new Recorder(other)
		await tail.untilLive()
		await one.append(numbered(3))
		await one.signal('not for you')
		await other.append([entry('own')])
		await tail.untilSeen(1)
		expectEqual(tail.data, ['own'], 'only the own log is followed')
		expectEqual(tail.signals, [], 'nor are signals')
		const [cursor] = await one.append([entry('again')])
		const page = await other.read(cursor as string, { limit: 9 })
		expectEqual(page.gap, 'epoch', 'a cursor of another log is of another epoch')
	}),

	defineCase('a transaction that a broker cannot join is refused', [], async ({ broker }) => {
		const log = await broker()
		const before = await log.head()
		await expectRejection(log.append([entry('x')], { client: {} }), ['invalid-argument'])
		expectEqual(await log.head(), before, 'nothing was appended')
	})
]
