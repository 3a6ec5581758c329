import type { SourceOptions } from '../../../../src/lib/source/options.js'
import { manualClock } from '../../../../src/lib/testing/manual-clock.js'
import { actAsClient, restoreAll } from '../../../../src/lib/testing/restore.js'
import { Requests } from '../../../support/requests.js'
import { countedPage } from '../../link/fixture.js'
import { Handle, type HandleOptions } from './handle.js'
import { Line, type LineOptions } from './line.js'
import { Served, Stream } from './network.js'

/** How a story begins. */
export interface Beginning {
	/** The handles in it. */
	cast: readonly Part[]
	linger: number
	startsHidden: boolean
}

/** A network, a page, a clock, and some of the handles that there may be. */
export class World {
	readonly clock = manualClock(new Date(0))
	readonly page = countedPage()
	readonly requests = new Requests()
	readonly lines: Line[] = []
	readonly handles: Handle[] = []
	readonly linger: number
	/** The variables that URL functions read. */
	room: 1 | 2 | undefined = 1
	topics: 'a' | 'b' | undefined = 'a'
	/** What `decide` says. */
	decision: number | false | undefined
	/** Whether the browser says so. */
	isOnline = true
	#hiddenSince: number | undefined
	/** When the machine last woke up. */
	wokenAt = -Infinity
	readonly #faults: string[] = []
	/** When timers that hold nothing any more are due. */
	#idleTimers: number[] = []

	constructor({ cast, linger, startsHidden }: Beginning) {
		this.linger = linger
		actAsClient()
		if (startsHidden) void this.page.hide()
		for (const part of cast) parts[part](this)
	}

	/** Since when the page has been hidden, as far as a line has asked. */
	get hiddenSince(): number | undefined {
		this.#hiddenSince = this.page.isHidden ? (this.#hiddenSince ?? this.clock.now) : undefined
		return this.#hiddenSince
	}

	readonly fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
		const path = new URL(String(input)).pathname.slice(1)
		return this.#request(
			this.lines.find((line) => line.path === path)!,
			input,
			init
		)
	}

	/** Says that something holds; in callbacks, where an error would go somewhere else. */
	claim(isTrue: boolean, text: string): void {
		if (!isTrue) this.#faults.push(`${text} (at ${this.clock.now} ms)`)
	}

	line(name: string, stream: Stream, options?: LineOptions): Line {
		const line = new Line(this, name, stream, options)
		this.lines.push(line)
		return line
	}

	/** Two handles or more on one line; the second connects again by itself. */
	add(name: string, from: Line | (() => Line | undefined), all: HandleOptions[]): void {
		for (const [index, options] of all.entries())
			this.handles.push(new Handle(this, `${name}[${index}]`, from, options))
	}

	/** A `fetch` for one line, where several have the same URL. */
	fetchFor(line: Line): typeof this.fetch {
		return (input, init) => this.#request(line, input, init)
	}

	/**
	 * Time has passed: channels that lingered have let go.
	 *
	 * @param isOver whether everything of this millisecond has happened
	 */
	letGo(isOver = true): void {
		for (const handle of this.handles) {
			if (isOver) handle.dismiss()
			handle.letGo(this.clock.now - (isOver ? 0 : 1))
		}
	}

	/** A timer is set for nobody. */
	lingers(duration: number): void {
		if (duration > 0) this.#idleTimers.push(this.clock.now + duration)
	}

	/** Whatever has happened, all this holds. */
	check(): void {
		this.letGo()
		for (const line of this.lines) line.settle(this.wokenAt)
		for (const handle of this.handles) handle.check()
		const now = this.clock.now
		this.#idleTimers = this.#idleTimers.filter((at) => at > now)
		const live = this.lines.filter(({ isLive }) => isLive).length
		const lingering = this.handles.reduce((sum, handle) => sum + handle.lingering, 0)
		const timers = live + lingering + this.#idleTimers.length
		this.claim(this.clock.timers <= timers, `${this.clock.timers} timers, not ${timers}`)
		const { listeners, isHidden } = this.page
		// Since when a page is hidden is known until it is shown.
		this.claim(live > 0 ? listeners > 0 : listeners <= +isHidden, `${listeners} page listeners`)
		const active = this.lines.filter(({ served }) => served).length
		this.claim(this.requests.active.length === active, `${this.requests.active.length} requests`)
		for (const call of this.requests.all)
			this.claim(!call.isAborted || call.body !== 'open', 'an abandoned response is released')
		if (this.#faults.length > 0) throw new Error(this.#faults.slice(0, 3).join('\n'))
	}

	/** Nothing is left once everybody has gone. */
	async end(): Promise<void> {
		try {
			for (const handle of this.handles) for (const holder of handle.holders) handle.release(holder)
			this.#closePinned()
			await this.clock.advance(100)
			this.letGo()
			// Those who connect again at each end may have met one while they lingered.
			this.#closePinned()
			if (this.page.isHidden) await this.page.show()
			for (const { name, isOn } of this.handles) this.claim(!isOn, `${name} is held by nobody`)
			const left = [this.clock.timers, this.page.listeners, this.requests.active.length]
			this.claim(`${left}` === '0,0,0', `${left} timers, page listeners and requests are left`)
		} finally {
			// What a failure has left must not disturb the next story.
			restoreAll()
		}
		if (this.#faults.length > 0) throw new Error(this.#faults.slice(0, 3).join('\n'))
	}

	#closePinned(): void {
		for (const handle of this.handles) if (handle.isPinned) handle.close()
	}

	#request(line: Line, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
		const response = this.requests.fetch(input, init)
		const served = new Served(line, this.requests.last)
		line.ask(served)
		const { serve } = line
		if (serve) queueMicrotask(() => served.isPending && serve(served))
		return response
	}
}

const event = { stubborn: 'event' } as const

/** The handles that a story may have. */
const parts = {
	shared(world: World) {
		const line = world.line('shared', new Stream(1_000))
		const connection = { stubborn: 'connection' } as const
		world.add('shared', line, [{}, event, { linger: 0 }, connection])
	},
	paused(world: World) {
		const line = world.line('paused', new Stream(2_000), { pauseAfter: 1_009 })
		const hidden = { pauseAfter: 1_009 }
		world.add('paused', line, [{ hidden }, { ...event, hidden }])
	},
	eager(world: World) {
		const line = world.line('eager', new Stream(3_000), { pauseAfter: 0 })
		const hidden = { pauseAfter: 0 }
		world.add('eager', line, [{ hidden }, { ...event, hidden }])
	},
	/** Streams without ids. */
	plain(world: World) {
		const line = world.line('plain', new Stream(4_000, false))
		world.add('plain', line, [{}, event])
	},
	decided(world: World) {
		const line = world.line('decided', new Stream(5_000), { isDecided: true })
		const reconnect = { decide: () => world.decision }
		world.add('decided', line, [{ reconnect }, { ...event, reconnect }])
	},
	once(world: World) {
		const line = world.line('once', new Stream(6_000), { attempts: 0 })
		const reconnect = false
		world.add('once', line, [
			{ reconnect },
			{ ...event, reconnect },
			{ stubborn: 'connection', reconnect }
		])
	},
	few(world: World) {
		const line = world.line('few', new Stream(7_000), { attempts: 2 })
		world.add('few', line, [{ reconnect: { attempts: 2 } }])
	},
	own(world: World) {
		const stream = new Stream(8_000)
		for (const index of [0, 1]) {
			const line = world.line(`own-${index}`, stream, { path: 'own' })
			const options: SourceOptions = { cache: false, fetch: world.fetchFor(line) }
			world.add(line.name, line, [index === 0 ? options : { ...event, ...options }])
		}
	},
	room(world: World) {
		const lines = [
			world.line('room/1', new Stream(9_000)),
			world.line('room/2', new Stream(10_000))
		]
		world.add('room', () => world.room && lines[world.room - 1], [
			{ resets: true },
			{ ...event, resets: true }
		])
		world.add('room/1', lines[0]!, [{}])
	},
	topics(world: World) {
		const stream = new Stream(11_000)
		const lines = { a: world.line('topics/a', stream), b: world.line('topics/b', stream) }
		const urlChange = 'resume'
		world.add('topics', () => world.topics && lines[world.topics], [
			{ urlChange },
			{ ...event, urlChange }
		])
	}
}

export type Part = keyof typeof parts
export const allParts = Object.keys(parts) as Part[]
