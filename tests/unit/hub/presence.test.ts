import { expect, test as base } from 'vitest'
import { Hub, memory, type Broker, type Member } from '../../../src/lib/hub/index.js'
import { manualClock, type ManualClock } from '../../../src/lib/testing/manual-clock.js'

// Two hubs on one broker are two machines, as far as presence can tell: they speak through signals only.

interface Fixtures {
	clock: ManualClock
	broker: Broker
	here: Hub
	there: Hub
}

const test = base.extend<Fixtures>({
	clock: async ({ task: _ }, use) => {
		using clock = manualClock()
		await use(clock)
	},
	broker: async ({ clock: _ }, use) => {
		await use(memory())
	},
	here: async ({ broker }, use) => {
		await use(new Hub({ broker }))
	},
	there: async ({ broker }, use) => {
		const hub = new Hub({ broker })
		await use(hub)
		await hub.close()
	}
})

function visit(hub: Hub, member?: Member) {
	const request = new Request('http://localhost/', { method: 'POST' })
	const response = hub.stream('room', { request, member, presence: true })
	const reader = response.body!.getReader()
	const decoder = new TextDecoder()
	const seen: string[] = []
	void (async () => {
		for (let rest = ''; ;) {
			const { done, value } = await reader.read()
			if (done) return
			const frames = (rest + decoder.decode(value, { stream: true })).split('\n\n')
			rest = frames.pop()!
			for (const frame of frames) {
				const data = /^event: presence\ndata: (.*)$/m.exec(frame)?.[1]
				if (data === undefined) continue
				const { members } = JSON.parse(data) as { members: Member[] }
				seen.push(members.map(({ id }) => id).join())
			}
		}
	})()
	return { seen, leave: () => reader.cancel() }
}

/** A broker to change parts of. */
const methodsOf = (broker: Broker): Broker => ({
	append: (...args) => broker.append(...args),
	tail: (...args) => broker.tail(...args),
	read: (...args) => broker.read(...args),
	head: () => broker.head(),
	signal: (text) => broker.signal(text),
	health: broker.health,
	onHealth: (listener) => broker.onHealth(listener),
	close: () => broker.close()
})

const ids = async (hub: Hub): Promise<string[]> => (await hub.presence('room')).map(({ id }) => id)

test('members of all machines are seen on all, with what they say of themselves', async ({
	clock,
	here,
	there
}) => {
	const watcher = visit(there)
	await clock.advance(100)
	const ann = visit(here, { id: 'ann', meta: { name: 'Ann' } })
	await clock.advance(100)
	const bob = visit(there, { id: 'bob' })
	await clock.advance(100)
	const expected = [{ id: 'ann', meta: { name: 'Ann' } }, { id: 'bob' }]
	expect([await here.presence('room'), await there.presence('room')]).toEqual([expected, expected])
	expect(watcher.seen).toEqual(['', 'ann', 'ann,bob'])
	await Promise.all([ann.leave(), bob.leave(), watcher.leave()])
})

test('a reconnect within the grace does not flicker, nor does a second connection that ends', async ({
	clock,
	here,
	there
}) => {
	const watcher = visit(there)
	const first = visit(here, { id: 'ann' })
	const second = visit(here, { id: 'ann' })
	await clock.advance(100)
	await second.leave()
	await clock.advance(6_000)
	await first.leave()
	await clock.advance(4_000)
	const again = visit(there, { id: 'ann' })
	await clock.advance(6_000)
	expect(watcher.seen.filter((list) => list !== 'ann')).toEqual([''])
	await again.leave()
	await clock.advance(6_000)
	expect(watcher.seen.at(-1)).toBe('')
	expect(await ids(here)).toEqual([])
	await watcher.leave()
})

test('the members of a machine that fell silent are gone after the timeout', async ({
	clock,
	broker,
	there
}) => {
	// A machine that dies says nothing any more: its broker is cut off under it.
	const cut = { isCut: false }
	const hub = new Hub({
		broker: {
			...methodsOf(broker),
			signal: (text) => (cut.isCut ? Promise.resolve() : broker.signal(text)),
			close: async () => {}
		}
	})
	const watcher = visit(there)
	await clock.advance(100)
	visit(hub, { id: 'ann' })
	await clock.advance(100)
	expect(await ids(there)).toEqual(['ann'])
	cut.isCut = true
	await clock.advance(10_000)
	expect(await ids(there)).toEqual(['ann'])
	await clock.advance(11_000)
	expect(await ids(there)).toEqual([])
	expect(watcher.seen).toEqual(['', 'ann', ''])
	await hub.close()
	await watcher.leave()
})

// As in a deploy: they were gone at once, and came back a moment later.
test('the members of a machine that closes stay for the grace, and do not flicker when they come back', async ({
	clock,
	broker,
	there
}) => {
	const here = new Hub({ broker: { ...methodsOf(broker), close: async () => {} } })
	const watcher = visit(there)
	await clock.advance(100)
	visit(here, { id: 'ann' })
	visit(here, { id: 'bob' })
	await clock.advance(100)
	await here.close()
	await clock.advance(1_000)
	const again = visit(there, { id: 'ann' })
	await clock.advance(3_000)
	expect(await ids(there)).toEqual(['ann', 'bob'])
	await clock.advance(7_000)
	expect(watcher.seen).toEqual(['', 'ann,bob', 'ann'])
	await Promise.all([again.leave(), watcher.leave()])
})

// It became one after its end, which nothing followed that would have taken it off.
test('a client whose stream ends as it is told who is there is no member', async ({
	clock,
	there
}) => {
	const ann = visit(there, { id: 'ann', meta: 'x'.repeat(900) })
	await clock.advance(100)
	// Around the size of what it is told, together with what it has not read yet.
	for (let maxBuffer = 960; maxBuffer < 1_060; maxBuffer += 10) {
		const request = new Request('http://localhost/', { method: 'POST' })
		const response = there.stream('room', { request, member: { id: 'bob' }, maxBuffer })
		await clock.advance(100)
		await response.body!.cancel()
	}
	await clock.advance(6_000)
	expect([await ids(there), there.connections()]).toEqual([['ann'], 1])
	await ann.leave()
})

test('leaves no timer behind', async ({ clock, there }) => {
	const ann = visit(there, { id: 'ann' })
	await clock.advance(100)
	await ann.leave()
	await there.close()
	expect(clock.timers).toBe(0)
})

test('refuses a member that could not be told to the others', ({ there }) => {
	const request = new Request('http://localhost/', { method: 'POST' })
	const meta = 'x'.repeat(2_000)
	for (const [topic, member] of [
		['room', { id: '' }],
		['room', { id: 'a'.repeat(300) }],
		['room', { id: 'ann', meta: 'x'.repeat(3_000) }],
		// Bytes count, not characters: it was a member on its own machine, and unknown to all others.
		['room', { id: 'ann', meta: '会'.repeat(1_500) }],
		['会'.repeat(500), { id: '会'.repeat(200), meta }]
	] as [string, Member][])
		expect(() => there.stream(topic, { request, member })).toThrow(
			expect.objectContaining({ code: 'invalid-argument' })
		)
	expect(there.connections()).toBe(0)
})

test('any member that is not refused is told to the others', async ({ clock, here, there }) => {
	const watcher = visit(there)
	await clock.advance(100)
	const id = '会'.repeat(256)
	const member = visit(here, { id, meta: 'ä'.repeat(1_000) })
	await clock.advance(100)
	expect(watcher.seen).toEqual(['', id])
	await Promise.all([member.leave(), watcher.leave()])
})
