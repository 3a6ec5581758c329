import { maxSignal } from '../../hub/broker.js'
import { defineCase, entry, expectData, numbered } from './case.js'
import { before, expect, expectEqual, expectRejection, patience, Recorder } from './recorder.js'

export const tailCases = [
	defineCase('a tail from now sees only what comes', [], async ({ broker }) => {
		const log = await broker()
		await log.append(numbered(5, 'old'))
		const head = await log.head()
		const tail = new Recorder(log)
		await tail.untilLive()
		expectEqual(tail.lives, [head], 'it is live at the end of the log')
		const sent = numbered(20)
		for (const one of sent) await log.append([one])
		await tail.untilSeen(sent.length)
		expectData(tail, sent, 'it sees every new entry once')
		expectEqual(tail.tail.cursor, await log.head(), 'its cursor is the last entry')
	}),

	defineCase('a tail from a cursor sees all behind it, then what comes', [], async ({ broker }) => {
		const log = await broker()
		const sent = numbered(30)
		const cursors = await log.append(sent.slice(0, 20))
		const tail = new Recorder(log, { after: cursors[6] as string })
		await tail.untilLive()
		expectData(tail, sent.slice(7, 20), 'the past comes before live')
		await log.append(sent.slice(20))
		await tail.untilSeen(23)
		expectData(tail, sent.slice(7), 'past and present meet without a seam')
		expectEqual(tail.gaps, [], 'there is no gap')
	}),

	defineCase('a tail with the last entries starts with those', [], async ({ broker }) => {
		const log = await broker()
		const none = new Recorder(log, { last: 5 })
		await none.untilLive()
		expectEqual(none.seen, [], 'of an empty log there are none')
		const sent = numbered(12)
		for (let at = 0; at < 12; at += 3) await log.append(sent.slice(at, at + 3))
		const counts = [0, 1, 5, 12, 100]
		for (const count of counts) {
			const tail = new Recorder(log, { last: count })
			await tail.untilLive()
			expectData(tail, count ? sent.slice(-count) : [], `the last ${count} come`)
			expectEqual(tail.gaps, [], 'there is no gap')
		}
		await none.untilSeen(12)
		expectData(none, sent, 'what came later follows')
	}),

	defineCase('a long past arrives whole and in order', [], async ({ broker }) => {
		const log = await broker()
		const start = await log.head()
		const sent = numbered(5_000)
		for (let at = 0; at < sent.length; at += 500) await log.append(sent.slice(at, at + 500))
		const tail = new Recorder(log, { after: start })
		await tail.untilLive()
		expectData(tail, sent, 'nothing is missing at the seams of pages')
	}),

	defineCase('tails that begin while others publish have no seam', [], async (bench) => {
		const [publisher, follower] = [await bench.broker(), await bench.broker()]
		const start = await publisher.head()
		const whole = new Recorder(follower, { after: start })
		const tails: [Recorder, after: number][] = []
		const appends: Promise<unknown>[] = []
		const sent = numbered(400)
		for (let at = 0; at < sent.length; at += 4) {
			const appended = publisher.append(sent.slice(at, at + 4))
			appends.push(appended)
			if (at % 40 === 0) {
				const cursors = await appended
				tails.push([new Recorder(follower, { after: cursors[1] as string }), at + 2])
			}
		}
		await Promise.all(appends)
		await whole.untilSeen(sent.length)
		expectData(whole, sent, 'a tail from the start sees all')
		for (const [tail, after] of tails) {
			await tail.untilSeen(sent.length - after)
			expectData(tail, sent.slice(after), 'a tail from the middle sees all behind its cursor')
		}
	}),

	defineCase('calls are one at a time and never inside of another', [], async (bench) => {
		const log = await bench.broker()
		const tail = new Recorder(log)
		await tail.untilLive()
		let depth = 0
		tail.meddle = (call) => {
			depth++
			expect(depth === 1, 'no call is made inside of another', call)
			if (call === 'entries' && tail.seen.length < 10) {
				tail.during(() => log.append([entry('again')])).catch(() => {})
			}
			depth--
		}
		await tail.during(() => log.append([entry('first')]))
		await tail.untilSeen(10)
		const thrown = bench.errors.filter((error) => error.startsWith('listener:'))
		expectEqual(thrown, [], 'no call is made inside of another')
		const reentrant = tail.calls.filter((call) => call.includes('re-entrant'))
		expectEqual(reentrant, [], 'no call is made inside of tail or append')
	}),

	defineCase('a listener that throws stops nobody', [], async ({ broker, errors }) => {
		const log = await broker()
		const [bad, good] = [new Recorder(log), new Recorder(log)]
		await Promise.all([bad.untilLive(), good.untilLive()])
		bad.meddle = () => {
			throw new Error('bad listener')
		}
		const sent = numbered(6)
		for (const one of sent) {
			await log.append([one])
			await bad.until(() => bad.data.includes(one.data), 'the bad listener is still called')
		}
		await good.untilSeen(sent.length)
		expectData(bad, sent, 'the bad listener sees each entry once')
		expectData(good, sent, 'the other sees each entry once')
		expect(errors.includes('listener: bad listener'), 'its error is reported', errors)
	}),

	defineCase('after a tail’s close it is not called', [], async ({ broker }) => {
		const log = await broker()
		const [tail, inside, other] = [new Recorder(log), new Recorder(log), new Recorder(log)]
		await Promise.all([tail.untilLive(), inside.untilLive(), other.untilLive()])
		await log.append([entry('one')])
		for (const one of [tail, inside, other]) await one.untilSeen(1)
		inside.meddle = (call) => {
			if (call === 'entries') void inside.tail.close()
		}
		const closed = tail.tail.close()
		const calls = tail.calls.length
		await log.append([entry('two')])
		await log.append([entry('three')])
		// Tails may have connections of their own: one is not behind because another is ahead.
		await inside.untilSeen(2)
		await other.untilSeen(3)
		await before(closed, patience, 'the tail is closed')
		await tail.tail.close()
		expectEqual(tail.calls.length, calls, 'there was no further call')
		const seen = inside.data.slice(0, 2)
		expect(!inside.data.includes('three') || inside.seen.length === 3, 'one batch', inside.data)
		expectEqual(seen, ['one', 'two'], 'a tail closed inside of its call saw only that one')
	}),

	defineCase(
		'a tail closed inside of a call gets no other, not even the next',
		[],
		async (bench) => {
			const log = await bench.broker()
			await log.append([entry('old')])
			const tails = [new Recorder(log, { after: 'malformed' }), new Recorder(log, { last: 1 })]
			for (const tail of tails) tail.meddle = () => void tail.tail.close()
			const other = new Recorder(log)
			await other.untilLive()
			await log.append([entry('new')])
			await other.untilSeen(1)
			for (const tail of tails) await tail.until(() => tail.calls.length > 0, 'the first call')
			expectEqual(
				tails.map(({ calls }) => calls),
				[['gap'], ['entries']],
				'the call in which it was closed is the last'
			)
		}
	),

	defineCase('a signal reaches every tail and leaves no trace', [], async (bench) => {
		const [one, other] = [await bench.broker(), await bench.broker()]
		const tails = [new Recorder(one), new Recorder(one), new Recorder(other)]
		for (const tail of tails) await tail.untilLive()
		const before = await one.head()
		const texts = ['hello', 'ünï {"a":"\'"}\n', 'x'.repeat(maxSignal)]
		for (const text of texts) await other.signal(text)
		for (const tail of tails) {
			await tail.until(() => tail.signals.length >= texts.length, 'all signals')
			expectEqual(tail.signals, texts, 'signals are whole')
		}
		expectEqual(await one.head(), before, 'the log has not grown')
		const late = new Recorder(one, { last: 10 })
		await late.untilLive()
		await one.signal('last')
		await late.until(() => late.signals.includes('last'), 'a late tail hears what comes')
		await expectRejection(one.signal('x'.repeat(maxSignal + 1)), ['too-large'])
		await expectRejection(one.signal('ü'.repeat(maxSignal / 2 + 1)), ['too-large'])
	})
]
