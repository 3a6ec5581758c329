import { defineCase, entry, numbered } from './case.js'
import { before, expectEqual, expectRejection, patience, Recorder } from './recorder.js'

export const endCases = [
	defineCase('a broker is up once it has worked', [], async ({ broker }) => {
		const log = await broker()
		const tail = new Recorder(log)
		await tail.untilLive()
		expectEqual(log.health.status, 'up', 'health says so')
		expectEqual(log.health.since instanceof Date, true, 'and since when')
	}),

	defineCase('a closed broker refuses and is silent', [], async ({ broker, subject }) => {
		const log = await broker()
		const tail = new Recorder(log)
		await tail.untilLive()
		const statuses: string[] = []
		log.onHealth(({ status }) => statuses.push(status))
		const last = log.append(numbered(3)).catch(() => [])
		const closed = log.close()
		const calls = tail.calls.length
		await before(Promise.all([closed, log.close(), last]), patience, 'close, twice')
		expectEqual(tail.calls.length, calls, 'its tails are called no more')
		await expectRejection(log.append([entry('x')]), ['closed'])
		await expectRejection(log.append([entry('x')], { wait: patience }), ['closed'], 1_000)
		await expectRejection(log.read('a-1-1', { limit: 1 }), ['closed'])
		await expectRejection(log.head(), ['closed'])
		await expectRejection(log.signal('x'), ['closed'])
		const late = new Recorder(log)
		if (subject.spansProcesses) {
			// By the time that another has seen an entry, this tail would have begun to follow.
			const other = await broker()
			const witness = new Recorder(other)
			await witness.untilLive()
			await other.append([entry('seen')])
			await witness.untilSeen(1)
		}
		const { cursor } = late.tail
		await late.tail.close()
		expectEqual(late.calls, [], 'a tail of a closed broker is silent')
		expectEqual(cursor, undefined, 'and follows nothing')
		expectEqual(statuses, ['closed'], 'health tells of the end once')
	}),

	defineCase('a broker’s end is no other’s', ['spansProcesses'], async ({ broker }) => {
		const [one, other] = [await broker(), await broker()]
		const tail = new Recorder(other)
		await tail.untilLive()
		await one.append([entry('first')])
		await one.close()
		await other.append([entry('second')])
		await tail.untilSeen(2)
		expectEqual(tail.data, ['first', 'second'], 'the log goes on')
	}),

	defineCase('a log outlives its brokers', ['spansProcesses'], async ({ broker }) => {
		const one = await broker()
		const cursors = await one.append(numbered(3))
		await one.close()
		const other = await broker()
		const page = await other.read(cursors[0] as string, { limit: 9 })
		expectEqual(
			page.entries.map(({ data }) => data),
			['1', '2'],
			'a later process goes on from a cursor'
		)
	})
]
