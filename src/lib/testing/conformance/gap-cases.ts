import type { Broker, Cursor } from '../../hub/broker.js'
import { formatCursor, parseCursor, type Position } from '../../hub/cursor.js'
import { defineCase, entry, expectData, numbered } from './case.js'
import { eventually, expect, expectEqual, Recorder } from './recorder.js'

const malformed = [
	'',
	' ',
	'0',
	'-1',
	'undefined',
	'a-1',
	'a-1-1-1',
	'a--1-1',
	'a-01-0',
	'a-1-00',
	'A-1-1',
	'a-1-1 ',
	'a-1-1\n',
	'a-1e3-1',
	'a-99999999999999999-1',
	`${'a'.repeat(17)}-1-1`,
	"a-1-1'; drop table x; --",
	'\0',
	'1'.repeat(100_000),
	'漢-1-1'
]

/** Fills a log far beyond its history until the first of these cursors is trimmed; returns all payloads. */
async function overfill(log: Broker): Promise<{ first: Cursor; sent: string[] }> {
	const first = (await log.append([entry('0')]))[0] as Cursor
	const sent = ['0']
	await eventually(async () => {
		const batch = numbered(50, `${sent.length}.`)
		for (const one of batch) await log.append([one])
		sent.push(...batch.map(({ data }) => data))
		return (await log.read(first, { limit: 1 })).gap !== undefined
	}, 'what exceeds the history is trimmed')
	return { first, sent }
}

export const gapCases = [
	defineCase('a malformed cursor is unknown, not an error', [], async ({ broker }) => {
		const log = await broker()
		await log.append(numbered(3))
		for (const cursor of malformed) {
			const page = await log.read(cursor, { limit: 5 })
			expectEqual(page, { entries: [], gap: 'unknown', more: false }, `read from ${cursor}`)
		}
		for (const cursor of malformed.slice(0, 6)) {
			const tail = new Recorder(log, { after: cursor })
			await tail.untilLive()
			expectEqual(tail.calls, ['gap', 'live'], 'a tail says gap once, then goes live')
			expectEqual(tail.gaps[0]?.reason, 'unknown', 'the gap’s reason')
		}
		expectEqual((await log.read(await log.head(), { limit: 5 })).gap, undefined, 'log unharmed')
	}),

	defineCase('a cursor that the log never gave is told', [], async ({ broker }) => {
		const log = await broker()
		const cursors = await log.append(numbered(5))
		const last = parseCursor(cursors.at(-1)) as Position
		const future = formatCursor({ ...last, sequence: last.sequence + 1 })
		const far = formatCursor({ ...last, sequence: Number.MAX_SAFE_INTEGER })
		const epoch = formatCursor({ ...last, epoch: 'someotherepoch' })
		for (const [cursor, gap] of [
			[future, 'unknown'],
			[far, 'unknown'],
			[epoch, 'epoch']
		] as const) {
			expectEqual(await log.read(cursor, { limit: 5 }), { entries: [], gap, more: false }, cursor)
			const tail = new Recorder(log, { after: cursor })
			await tail.untilLive()
			const [first] = tail.gaps
			expectEqual(tail.gaps.length, 1, 'a tail says gap once')
			expectEqual(first?.reason, gap, 'the gap’s reason')
			await log.append([entry('next')])
			await tail.until(() => tail.data.includes('next'), 'it goes on live')
		}
	}),

	defineCase('a trimmed cursor is told, and what is left follows', [], async ({ broker }) => {
		const log = await broker({ history: { events: 20 } })
		const { first, sent } = await overfill(log)
		const page = await log.read(first, { limit: 5 })
		expectEqual(page, { entries: [], gap: 'trimmed', more: false }, 'read says so')
		let tail = new Recorder(log, { after: first })
		let again = page
		// An engine that trims by itself may go on doing so for a while.
		await eventually(async () => {
			// A tail may keep a connection of its own, and there are only so many.
			await tail.tail.close()
			tail = new Recorder(log, { after: first })
			await tail.untilLive()
			again = await log.read(tail.gaps[0]?.cursor as Cursor, { limit: 1 })
			return again.gap === undefined
		}, 'trimming comes to rest')
		await log.append([entry('next')])
		await tail.until(() => tail.data.includes('next'), 'it goes on live')
		expectEqual(tail.gaps.length, 1, 'a tail says gap once')
		expectEqual(tail.calls[0], 'gap', 'before any entry')
		expectEqual(tail.gaps[0]?.reason, 'trimmed', 'the gap’s reason')
		const left = tail.data.slice(0, -1)
		expect(left.length >= 20, 'as much as the history promises is left', left.length)
		expectEqual(left, sent.slice(-left.length), 'it is the end of the log, whole')
		expectEqual(again.entries[0]?.data, left[0], 'the gap’s cursor is where it goes on')
	}),

	defineCase('a history is kept that is not exceeded', [], async ({ broker }) => {
		const log = await broker({ history: { events: 100, age: 60_000 } })
		const start = await log.head()
		const sent = numbered(100)
		for (const one of sent) await log.append([one])
		const page = await log.read(start, { limit: 200 })
		expectEqual(page.gap, undefined, 'there is no gap')
		expectData({ data: page.entries.map(({ data }) => data) }, sent, 'nothing is trimmed')
	}),

	defineCase('old entries are dropped by age when newer ones come', [], async ({ broker }) => {
		const log = await broker({ history: { age: 300 } })
		const { first } = await overfill(log)
		expectEqual((await log.read(first, { limit: 1 })).gap, 'trimmed', 'the first is too old')
		// Where it takes longer than that to look, the last is too old as well.
		await eventually(async () => {
			await log.append([entry('last')])
			const tail = new Recorder(log, { last: 1 })
			await tail.untilLive()
			await tail.tail.close()
			if (tail.seen.length) expectEqual(tail.data, ['last'], 'the end of the log is there')
			return tail.seen.length > 0
		}, 'the last is not')
	}),

	defineCase('a log that was lost has a new epoch', ['lose'], async ({ broker, subject, log }) => {
		const one = await broker()
		const cursors = await one.append(numbered(5))
		await subject.faults?.lose?.(log)
		const other = await broker()
		await other.append([entry('new')])
		for (const cursor of [cursors[1], cursors[4]]) {
			const page = await other.read(cursor as Cursor, { limit: 9 })
			expectEqual(page, { entries: [], gap: 'epoch', more: false }, 'an old cursor is told')
			const same = await one.read(cursor as Cursor, { limit: 9 })
			expectEqual(same.gap, 'epoch', 'also by a broker that knew the old log')
		}
	}),

	defineCase('a tail notices that its log was lost', ['lose'], async ({ broker, subject, log }) => {
		const [one, other] = [await broker(), await broker()]
		const tail = new Recorder(one)
		await tail.untilLive()
		await one.append(numbered(5, 'old'))
		await tail.untilSeen(5)
		await subject.faults?.lose?.(log)
		// Fewer entries than before, then as many, then more: a bare number would not show the loss.
		const sent = numbered(8, 'new')
		for (const one of sent) await other.append([one])
		await tail.untilSeen(13)
		expectData(tail, [...numbered(5, 'old'), ...sent], 'all entries of the new log follow')
		expectEqual(tail.gaps.length, 1, 'a gap is said once')
		expectEqual(tail.gaps[0]?.reason, 'epoch', 'the gap’s reason')
		const gap = tail.calls.indexOf('gap')
		expect(tail.calls.slice(gap).includes('entries'), 'it comes before the new entries', tail.calls)
	})
]
