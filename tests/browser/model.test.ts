import fc from 'fast-check'
import * as svelte from 'svelte'
import { flushSync } from 'svelte'
import { expect, inject, vi } from 'vitest'
import { render } from 'vitest-browser-svelte'
import { source, type SseConnection } from '../../src/lib/index.js'
import { assertNothingOpen, manualClock, restoreAll } from '../../src/lib/testing/index.js'
import { events, Server } from '../unit/faults/server.js'
import { state } from './components/counting.svelte.js'
import Stage from './components/Stage.svelte'
import { test } from './fixture.js'

// Real components, real effects, and forks of them: whatever is shown and held, a URL is requested while somebody wants it,
// once for all who do, and never for what is not shown yet.

const mayFork = inject('isAsync') && 'fork' in svelte
/** Longer than any linger, and than any back-off of these stories. */
const moment = 60_000
const rooms = ['a', 'b', undefined] as const

/** What only a fork shows so far, and what it does to the stage once it is committed. */
interface Preloaded {
	fork: svelte.Fork
	commit: () => void
	/**
	 * What it shows may have read an event. Svelte runs effects of a fork when state changes that it reads; whether a reader
	 * came before an end or after it is then not to be told, so nothing is ended until the fork is.
	 */
	hasSeenEvents?: boolean
}

class World {
	readonly clock = manualClock()
	readonly server = new Server(this.clock)
	readonly room = state<string | undefined>('a')
	/** The first two share a link; the URL of the third follows the room. */
	readonly connections: SseConnection[] = ['/one', '/one', () => this.#roomUrl].map((from) =>
		source(from, { fetch: this.server.fetch })
	)
	readonly seats = [0, 1, 2, 2].map((connection, index) => ({
		connection,
		reads: index === 3 ? ('derived' as const) : ('component' as const),
		at: state(false)
	}))
	/** The holds of `connect()`, by connection. */
	readonly holds: (() => void)[][] = [[], [], []]
	/** Which connections were closed by their user, or ended by the server, and rest until somebody else wants them. */
	readonly rests: ('closed' | 'done' | false)[] = [false, false, false]
	/** What the readers show, as committed. */
	readonly isShown = this.seats.map(() => false)
	committedRoom: string | undefined = 'a'
	preloaded: Preloaded | undefined
	events = 0

	constructor() {
		this.server.serve = (exchange) => exchange.hello({ ping: 0 })
	}

	get #roomUrl(): string | undefined {
		return this.room.value && `/rooms/${this.room.value}`
	}

	urlOf(connection: number): string | undefined {
		if (connection < 2) return '/one'
		return this.committedRoom && `/rooms/${this.committedRoom}`
	}

	isWanted(connection: number): boolean {
		if (this.rests[connection]) return false
		const isRead = this.seats.some((seat, index) => {
			return seat.connection === connection && this.isShown[index]
		})
		return isRead || this.holds[connection]!.length > 0
	}

	/** One change of what is shown: at once, or in a fork. */
	change(apply: () => void, committed: () => void, isForked: boolean): void {
		if (!isForked) {
			apply()
			flushSync()
			return committed()
		}
		this.preloaded = { fork: svelte.fork(apply), commit: committed }
	}

	toggle(index: number, isForked: boolean): void {
		const { connection, at } = this.seats[index]!
		const isShown = !this.isShown[index]
		const committed = () => {
			this.isShown[index] = isShown
			if (isShown) this.rests[connection] = false
		}
		this.change(() => (at.value = isShown), committed, isForked)
	}

	move(room: string | undefined, isForked: boolean): void {
		this.change(
			() => (this.room.value = room),
			() => {
				const isRead = this.isShown[2] || this.isShown[3]
				// Another URL is another stream, which did not end, and of which nobody has said that it be closed.
				if (room !== this.committedRoom && isRead && this.rests[2] === 'done') this.rests[2] = false
				this.committedRoom = room
			},
			isForked
		)
	}

	hold(connection: number): void {
		// An effect that is made while a fork is pending is not run again when the fork is committed.
		if (this.preloaded && connection === 2) return
		this.holds[connection]!.push(this.connections[connection]!.connect())
		this.rests[connection] = false
	}

	close(connection: number): void {
		if (this.preloaded?.hasSeenEvents) return
		const isOn = this.isWanted(connection)
		this.connections[connection]!.close()
		if (isOn) this.rests[connection] = 'closed'
		this.holds[connection] = []
	}

	/** The server ends every stream for good. */
	async finish(): Promise<void> {
		if (this.preloaded?.hasSeenEvents) return
		for (const index of [0, 1, 2])
			if (this.isWanted(index) && this.urlOf(index)) {
				this.rests[index] = 'done'
				this.holds[index] = []
			}
		for (const exchange of this.server.open) await exchange.goodbye('done')
	}

	/** Lets time pass, and sees that everything is as it has to be. */
	async check(): Promise<void> {
		await this.clock.advance(moment)
		const wanted = [0, 1, 2].filter((index) => this.isWanted(index))
		const urls = [...new Set(wanted.map((index) => this.urlOf(index)))].filter(Boolean)
		const open = this.server.open.map(({ request }) => new URL(request.url).pathname)
		expect(open.sort(), 'requests under way').toEqual(urls.sort())
		const status = (index: number): string => {
			if (!this.isWanted(index)) return this.rests[index] ? 'closed' : 'idle'
			return this.urlOf(index) ? 'open' : 'idle'
		}
		expect(
			this.connections.map((connection) => connection.status),
			'status'
		).toEqual([0, 1, 2].map(status))
	}

	/** Sends an event to every stream, and sees that all who read it show it. */
	async emit(): Promise<void> {
		const text = `event ${++this.events}`
		if (this.preloaded) this.preloaded.hasSeenEvents = true
		for (const exchange of this.server.open) await exchange.write(events(text))
		flushSync()
		for (const [index, { connection }] of this.seats.entries())
			if (this.isShown[index] && this.isWanted(connection) && this.urlOf(connection))
				expect(this.textOf(index), `reader ${index}`).toBe(JSON.stringify(text))
	}

	textOf(index: number): string | null | undefined {
		return document.querySelector(`[data-testid="reader${index}"]`)?.textContent
	}

	async end(): Promise<void> {
		this.preloaded?.fork.discard()
		for (const connection of this.connections) connection.close()
		await this.clock.advance(moment)
		await assertNothingOpen()
		restoreAll()
	}
}

type Step = [name: string, run: (world: World, index: number) => unknown]

const steps: Step[] = [
	['toggle', (world, index) => world.toggle(index % 4, false)],
	['room', (world, index) => world.move(rooms[index % 3], false)],
	['hold', (world, index) => world.hold(index % 3)],
	['release', (world, index) => world.holds[index % 3]!.pop()?.()],
	['close', (world, index) => world.close(index % 3)],
	['emit', (world) => world.emit()],
	['done', (world) => world.finish()],
	['cut', (world) => Promise.all(world.server.open.map((exchange) => exchange.fail()))]
]

/** At most one at a time, and meanwhile nothing else is shown: two changes of one thing would leave open which one counts. */
const forkSteps: Step[] = [
	['fork: toggle', (world, index) => world.toggle(index % 4, true)],
	['fork: room', (world, index) => world.move(rooms[index % 3], true)]
]
const forkEnds: Step[] = [
	[
		'commit',
		async (world) => {
			const { fork, commit } = world.preloaded!
			world.preloaded = undefined
			await fork.commit()
			commit()
		}
	],
	[
		'discard',
		(world) => {
			world.preloaded!.fork.discard()
			world.preloaded = undefined
		}
	]
]

function nextStep(world: World, which: number): Step {
	const all = world.preloaded
		? [...steps.slice(2), ...forkEnds]
		: [...steps, ...(mayFork ? forkSteps : [])]
	return all[which % all.length]!
}

test('whatever is shown, forked, held and closed, what is wanted is open and nothing else', async ({
	problems
}) => {
	let requests = 0
	let forks = 0
	vi.spyOn(Math, 'random').mockReturnValue(0.5)
	const story = fc.array(fc.tuple(fc.nat(1_000), fc.nat(11)), { maxLength: 40, size: 'max' })
	await fc.assert(
		fc.asyncProperty(story, async (choices) => {
			const world = new World()
			const { connections, seats } = world
			const screen = await render(Stage, { connections, seats })
			const told: string[] = []
			try {
				for (const [which, index] of choices) {
					const [name, run] = nextStep(world, which)
					told.push(`${name} ${index}`)
					if (name.startsWith('fork')) forks++
					await run(world, index)
					await world.check()
				}
			} catch (error) {
				throw new Error(`${told.join(', ')}: ${String(error)}`, { cause: error })
			} finally {
				requests += world.server.count
				await screen.unmount()
				await world.end()
			}
		}),
		{ numRuns: 40 }
	)
	// Stories in which nothing connects, or nothing is forked, would prove nothing.
	expect(requests).toBeGreaterThan(40)
	if (mayFork) expect(forks).toBeGreaterThan(20)
	// In development the console tells of connections that fail; that is no fault here.
	problems.length = 0
})
