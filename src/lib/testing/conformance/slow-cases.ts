import { defineCase, entry, expectData, numbered } from './case.js'
import { before, expectEqual, expectRejection, patience, Recorder } from './recorder.js'

export const slowCases = [
	defineCase('a slow network costs time and nothing else', ['slow', 'fast'], async (bench) => {
		const { faults } = bench.subject
		const [one, other] = [await bench.broker(), await bench.broker()]
		const tail = new Recorder(one)
		await tail.untilLive()
		const start = await one.head()
		const statuses: string[] = []
		for (const broker of [one, other]) broker.onHealth(({ status }) => statuses.push(status))
		const sent = [...numbered(40), entry('x'.repeat(100_000)), ...numbered(40, 'more')]
		try {
			await faults?.slow?.()
			await Promise.all(sent.map((item) => other.append([item])))
			await tail.untilSeen(sent.length)
			const page = await one.read(start, { limit: 1_000 })
			expectEqual(page.entries, tail.seen, 'a range is read whole')
		} finally {
			await faults?.fast?.()
		}
		expectData(tail, sent, 'each entry came once, in order')
		expectEqual(tail.gaps, [], 'there is no gap')
		expectEqual(statuses.includes('down'), false, 'health does not waver')
		expectEqual(bench.errors, [], 'nothing is reported')
	}),

	defineCase(
		'answers that come too late make no entry twice',
		['slow', 'fast'],
		async ({ subject, broker }) => {
			const { faults } = subject
			const [hasty, other] = [await broker({ timeout: 100 }), await broker()]
			const tail = new Recorder(other)
			await tail.untilLive()
			await hasty.append([entry('before')], { wait: patience })
			let waiting: Promise<unknown>
			try {
				await faults?.slow?.()
				waiting = hasty.append([entry('waited')], { wait: patience })
				await expectRejection(hasty.head(), ['timeout', 'network'])
				await expectRejection(hasty.append([entry('doubt')]), ['timeout', 'network'])
				expectEqual(hasty.health.status, 'down', 'health says so')
			} finally {
				await faults?.fast?.()
			}
			await before(waiting, patience, 'an append that waits is done')
			await hasty.append([entry('after')], { wait: patience })
			await tail.until(() => tail.data.includes('after'), 'the tail goes on')
			const told = tail.data.filter((data) => data !== 'doubt')
			expectEqual(told, ['before', 'waited', 'after'], 'what waited is stored once, in its place')
			const doubts = tail.data.length - told.length
			expectEqual(doubts <= 1, true, 'nor is anything else stored twice')
			expectEqual(tail.gaps, [], 'there is no gap')
		}
	)
]
