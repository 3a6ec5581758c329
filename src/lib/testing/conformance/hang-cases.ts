import { defineCase, entry } from './case.js'
import { before, expectEqual, expectRejection, patience, Recorder } from './recorder.js'

/** What an engine that does not answer makes of a call. */
const away = ['network', 'timeout']

/** Milliseconds by which a call may be late, beyond what a timer that was set with it is. */
const grace = 500

function pass(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A time by which something has to be over. A machine that is busy delays it as it delays everything. */
function due(ms: number): { readonly isPast: boolean } {
	const state = { isPast: false }
	void pass(ms)
		.then(() => pass(grace))
		.then(() => (state.isPast = true))
	return state
}

export const hangCases = [
	defineCase(
		'an engine that hangs keeps nobody waiting for ever',
		['pause', 'resume'],
		async (bench) => {
			const { faults } = bench.subject
			const [one, other] = [await bench.broker({ timeout: 400 }), await bench.broker()]
			const tail = new Recorder(other)
			await tail.untilLive()
			await one.append([entry('before')], { wait: patience })
			await faults?.pause?.()
			let waiting: Promise<unknown> | undefined
			try {
				const doubtful = Array.from({ length: 3 }, (_, index) => {
					return one.append([entry(`doubt${index}`)])
				})
				waiting = one.append([entry('waited')], { wait: patience })
				for (const call of doubtful) await expectRejection(call, away, patience)
				await expectRejection(one.head(), away, patience)
				expectEqual(one.health.status, 'down', 'health says so')
			} finally {
				await faults?.resume?.()
			}
			await before(waiting, patience, 'an append that waits is done')
			await one.append([entry('after')], { wait: patience })
			await tail.until(() => tail.data.includes('after'), 'the tail goes on')
			const counts = new Map<string, number>()
			for (const data of tail.data) counts.set(data, (counts.get(data) ?? 0) + 1)
			const repeated = [...counts].filter(([, count]) => count > 1)
			expectEqual(repeated, [], 'nothing is stored twice, however often it was tried')
			expectEqual(counts.get('waited'), 1, 'what waited is there')
			expectEqual(tail.gaps, [], 'there is no gap')
		}
	),

	defineCase(
		'every call to an engine that hangs settles in its time',
		['pause', 'resume'],
		async ({ broker, subject: { faults } }) => {
			const timeout = 1_000
			const one = await broker({ timeout })
			const start = await one.head()
			await one.append([entry('before')], { wait: patience })
			const late: string[] = []
			const watch = async (what: string, within: number, call: Promise<unknown>) => {
				const by = due(within)
				await expectRejection(call, away, patience)
				if (by.isPast) late.push(what)
			}
			await faults?.pause?.()
			try {
				const calls = [
					watch('head', timeout, one.head()),
					watch('read', timeout, one.read(start, { limit: 5 })),
					watch('signal', timeout, one.signal('x'))
				]
				for (let index = 0; index < 200; index++) {
					const what = `append ${index}`
					calls.push(watch(what, timeout, one.append([entry(what)])))
					await pass(5)
				}
				const wait = 1_000
				calls.push(watch('append that waits', wait + timeout, one.append([entry('x')], { wait })))
				await Promise.all(calls)
			} finally {
				await faults?.resume?.()
			}
			expectEqual(late, [], 'none is late')
			await one.append([entry('after')], { wait: patience })
		}
	),

	defineCase(
		'a burst at an engine that hangs is refused before it fills the memory',
		['pause', 'resume'],
		async ({ broker, subject: { faults } }) => {
			const [one, other] = [await broker({ timeout: 1_000 }), await broker()]
			const tail = new Recorder(other)
			await tail.untilLive()
			await one.append([entry('before')], { wait: patience })
			const filler = 'x'.repeat(300_000)
			const settled: Promise<string>[] = []
			let first: string
			await faults?.pause?.()
			try {
				for (let index = 0; index < 200; index++) {
					const append = one.append([entry(`${index}:${filler}`)], { wait: 3 * patience })
					const outcome = append.then(
						() => 'stored',
						({ code }: { code: unknown }) => String(code)
					)
					settled.push(outcome)
				}
				first = await before(Promise.race(settled), patience, 'one is refused at once')
			} finally {
				await faults?.resume?.()
			}
			expectEqual(first, 'overflow', 'what does not fit is refused with `overflow`')
			const outcomes = await before(Promise.all(settled), 3 * patience, 'all are settled')
			expectEqual([...new Set(outcomes)], ['stored', 'overflow'], 'what was taken is stored')
			await one.append([entry('after:')], { wait: patience })
			await tail.until(() => tail.data.includes('after:'), 'there is room again')
			const taken = outcomes.flatMap((outcome, index) => (outcome === 'stored' ? [index] : []))
			const seen = tail.data.map((data) => data.split(':')[0])
			expectEqual(seen, ['before', ...taken.map(String), 'after'], 'each is there once, in order')
		}
	)
]
