import { formatCursor } from '../../hub/cursor.js'
import { defineCase, entry, expectData, numbered } from './case.js'
import {
	before,
	eventually,
	expect,
	expectEqual,
	expectRejection,
	patience,
	Recorder
} from './recorder.js'

/** What an absent engine makes of a call. */
const away = ['network', 'timeout']

export const faultCases = [
	defineCase('a broken connection costs no entry', ['cut'], async ({ broker, subject }) => {
		const [one, other] = [await broker(), await broker()]
		const tail = new Recorder(one)
		await tail.untilLive()
		const sent = numbered(60)
		for (const [index, item] of sent.entries()) {
			if (index % 20 === 10) await subject.faults?.cut?.()
			await other.append([item], { wait: patience })
		}
		await tail.untilSeen(sent.length)
		expectData(tail, sent, 'each entry came once, in order')
		expectEqual(tail.gaps, [], 'there is no gap')
		await one.append([entry('last')], { wait: patience })
		await tail.untilSeen(sent.length + 1)
	}),

	defineCase('the death and return of an engine are survived', ['kill', 'start'], async (bench) => {
		const { faults, durable } = bench.subject
		const one = await bench.broker({ timeout: 4_000 })
		const tail = new Recorder(one)
		await tail.untilLive()
		await one.append(numbered(5, 'old'), { wait: patience })
		await tail.untilSeen(5)
		const statuses: string[] = []
		const stop = one.onHealth(({ status }) => statuses.push(status))
		const back = new Promise<void>((resolve) => {
			one.onHealth(({ status }) => status === 'up' && resolve())
		})
		await faults?.kill?.()
		await Promise.all([
			expectRejection(one.append([entry('lost')]), away),
			expectRejection(one.head(), away),
			expectRejection(one.read(tail.tail.cursor as string, { limit: 1 }), away),
			expectRejection(one.signal('lost'), away)
		])
		const waiting = one.append([entry('waited')], { wait: 3 * patience })
		// One that does not want to wait does not have to because another does.
		await expectRejection(one.append([entry('hasty')]), away)
		expectEqual(one.health.status, 'down', 'health says so')
		expect(one.health.error instanceof Error, 'and why', one.health)
		await faults?.start?.()
		await before(back, patience, 'health is up again')
		await before(waiting, patience, 'an append that waits is done')
		await tail.until(() => tail.data.includes('waited'), 'the tail goes on')
		await tail.untilLive(2)
		await eventually(async () => one.health.status === 'up', 'health stays up')
		stop()
		// A broker may have several connections, which come back one by one.
		const alternating = statuses.map((_, index) => (index % 2 ? 'up' : 'down'))
		expectEqual(statuses, alternating, 'health tells changes only')
		const twice = tail.data.filter((data) => data === 'waited').length
		expectEqual(twice, 1, 'it is stored once')
		expectEqual(tail.data.slice(0, 5).join(), 'old0,old1,old2,old3,old4', 'the past is untouched')
		expectEqual(tail.gaps.length, durable ? 0 : 1, durable ? 'no gap' : 'the loss is told once')
		const reported = bench.errors.filter((error) => error.startsWith('tail:')).length
		expectEqual(reported, 1, 'the outage was reported once')
	}),

	defineCase('what others publish in an outage is caught up', ['kill', 'start'], async (bench) => {
		const { faults, durable } = bench.subject
		if (!durable) return
		const [one, other] = [await bench.broker(), await bench.broker()]
		const tail = new Recorder(one)
		await tail.untilLive()
		const sent = numbered(90)
		let started: Promise<void> | undefined
		for (const [index, item] of sent.entries()) {
			if (index % 30 === 15) {
				await started
				await faults?.kill?.()
				started = faults?.start?.()
			}
			await other.append([item], { wait: patience })
		}
		await started
		await tail.untilSeen(sent.length)
		expectData(tail, sent, 'each entry came once, in order')
		expectEqual(tail.gaps, [], 'there is no gap')
	}),

	defineCase('a broker may be made while its engine is away', ['kill', 'start'], async (bench) => {
		const { faults } = bench.subject
		await (await bench.broker()).append([entry('old')])
		await faults?.kill?.()
		let tail: Recorder | undefined
		let lost: Recorder | undefined
		try {
			const one = await bench.broker({ timeout: 1_000 })
			tail = new Recorder(one)
			lost = new Recorder(one, { after: formatCursor({ epoch: 'gone', sequence: 3, mark: 3 }) })
			await expectRejection(one.append([entry('early')]), away)
			expectEqual(tail.calls, [], 'nothing is told before the engine has answered')
			expectEqual(tail.tail.cursor, undefined, 'nor is there a cursor')
		} finally {
			await faults?.start?.()
		}
		await Promise.all([tail.untilLive(), lost.untilLive()])
		const other = await bench.broker()
		await other.append([entry('late')], { wait: patience })
		await tail.until(() => tail.data.includes('late'), 'the tail is live')
		expectEqual(tail.gaps, [], 'a tail from now has missed nothing')
		expectEqual(lost.gaps.length, 1, 'a tail from a lost cursor says gap once')
	}),

	defineCase('an outage ends with close', ['kill', 'start'], async (bench) => {
		const { faults } = bench.subject
		// Whoever waited for an answer would wait for longer than the case does.
		const one = await bench.broker({ timeout: 3 * patience })
		const tail = new Recorder(one)
		await tail.untilLive()
		await faults?.kill?.()
		try {
			const waiting = one.append([entry('never')], { wait: 3 * patience })
			const rejected = expectRejection(waiting, ['closed'])
			await before(one.close(), patience, 'close does not wait for the engine')
			await rejected
			expectEqual(one.health.status, 'closed', 'health says so')
		} finally {
			await faults?.start?.()
		}
	})
]
