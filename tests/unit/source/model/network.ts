import { flushPromises } from '../../../../src/lib/testing/flush-promises.js'
import type { Call } from '../../../support/requests.js'
import type { Line } from './line.js'

// The server's side. Each deed of it first says what must follow for the handles, and is then done on the wire.

/** Milliseconds between the heartbeats that servers of ours announce. */
const ping = 30_000

/** A stream as its server has it: events with numbers. Odd ones have no name, even ones are called `other`. */
export class Stream {
	/** The number of the newest event. */
	newest: number
	readonly hasIds: boolean

	/** @param first no two streams have an event of the same number */
	constructor(first: number, hasIds = true) {
		this.newest = first
		this.hasIds = hasIds
	}

	text(number: number): string {
		const id = this.hasIds ? `id: ${number}\n` : ''
		return `${id}${number % 2 ? '' : 'event: other\n'}data: ${number}\n\n`
	}
}

/** The channel that an event comes through. */
export function nameOf(number: number): string {
	return number % 2 ? 'message' : 'other'
}

/** How a response, or the wait for it, ended. */
export interface Loss {
	/** It delivered something, and ended as it should. */
	isOrderly?: boolean
	/** Nothing can follow, whatever the options say. */
	isFinal?: boolean
	/** Nothing follows, unless `decide` says so. */
	isMeant?: boolean
	/** This side brought it about. */
	isLocal?: boolean
	/** It ended without an error. */
	isPlain?: boolean
	/** The server wants the client back without a wait, if it had stayed for a while. */
	isAtOnce?: boolean
	/** Milliseconds of a `Retry-After` header. */
	bind?: number
}

type Goodbye = 'done' | 'denied' | 'restart' | 'rotate' | 'slow' | 'expired' | 'error'

/** One request, and what its server makes of it. */
export class Served {
	/** Whether it is the first since the line is wanted: the status is `connecting`, not `reconnecting`. */
	isFirst = false
	/** Whether nothing more of it can reach a handle. */
	isOver = false
	isAccepted = false
	/** Whether the browser has said that the network is gone, and nothing has come since. */
	isDoubted = false
	acceptedAt = Infinity
	heardAt: number
	isOurs = false
	saysGoodbye: Goodbye | undefined
	readonly call: Call
	readonly #line: Line
	#events = 0
	/** Whether a foreign server means its stream to be continued. */
	#isContinued = false
	#goodbyeAt = 0

	constructor(line: Line, call: Call) {
		this.#line = line
		this.call = call
		this.heardAt = line.now
		call.init.signal!.addEventListener('abort', () => this.#givenUp())
	}

	get isStreaming(): boolean {
		return this.isAccepted && !this.isOver && !this.saysGoodbye
	}

	get isPending(): boolean {
		return this.call.isPending
	}

	get status(): 'connecting' | 'open' | 'reconnecting' {
		if (!this.isAccepted) return this.isFirst ? 'connecting' : 'reconnecting'
		return this.isDoubted ? 'reconnecting' : 'open'
	}

	/** Answers as `produce()` does. */
	async hello({ resumes = true, retry = 0 } = {}): Promise<void> {
		const isAnnounced = !this.isPending
		const goesOn = resumes && this.call.lastEventId !== null
		const frame = `: sveltekit-sse/1 hello ping=${ping}${goesOn ? ' resumed=1' : ''}\n\n`
		this.isOurs = true
		this.#hear()
		if (this.call.lastEventId !== null && !goesOn) this.#line.tell((handle) => handle.gap())
		const body = (retry ? this.#retry(retry) : '') + frame + (goesOn ? this.#replay() : '')
		await (isAnnounced ? this.call.write(body) : this.call.answer(body))
	}

	/** Answers as `produce()` does, behind a proxy that holds the body back. */
	async announce(): Promise<void> {
		this.isOurs = true
		this.heardAt = this.#line.now
		await this.call.answer('', { headers: { 'sveltekit-sse': `1; ping=${ping}` } })
	}

	/** Answers as any other server, which resumes where it was asked to. */
	async answer(): Promise<void> {
		this.#hear()
		await this.call.answer(this.#replay())
	}

	/** Answers with what is no stream. */
	async refuse(status: number, retryAfter?: number): Promise<void> {
		this.#lose({
			isFinal: status === 204,
			isPlain: status === 204,
			isMeant: status === 404,
			bind: retryAfter === undefined ? undefined : retryAfter * 1_000
		} as Loss)
		const headers: HeadersInit = retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }
		await this.call.refuse(status, 'no', headers)
	}

	/** The server has so many new events. */
	async events(count: number): Promise<void> {
		const { stream, world } = this.#line
		const after = stream.newest
		stream.newest += count
		for (const { served, stream: other } of world.lines)
			if (other === stream && served?.isStreaming) void served.#send(after)
		await flushPromises()
	}

	/** Events were left out here. */
	async gap(): Promise<void> {
		this.#hear()
		this.#line.tell((handle) => handle.gap())
		await this.call.write(': sveltekit-sse/1 gap\n\n')
	}

	/** An event that never gets its last line. */
	async half(): Promise<void> {
		const { stream } = this.#line
		this.#hear()
		this.#lose(this.#ending(false))
		void this.call.write(stream.text(stream.newest + 1).slice(0, -1))
		await this.call.end()
	}

	async heartbeat(): Promise<void> {
		this.#hear()
		await this.call.write(':\n\n')
	}

	/** There is no response, or it breaks off. */
	async fail(): Promise<void> {
		this.#lose(this.saysGoodbye ? this.#ending() : {})
		await this.call.fail()
	}

	/** Ends the body between two events. */
	async end(): Promise<void> {
		this.#lose(this.#ending())
		await this.call.end()
	}

	/** Says why the stream ends, with a `retry:` field, and ends it, or does not. */
	async goodbye(reason: Goodbye, { retry = 2_000, isEnding = true } = {}): Promise<void> {
		this.#hear()
		const field = this.#retry(retry)
		if (this.isOurs) this.saysGoodbye = reason
		this.#goodbyeAt = this.#line.now
		if (isEnding) this.#lose(this.#ending())
		void this.call.write(`${field}: sveltekit-sse/1 close ${reason}\n\n`)
		if (isEnding) void this.call.end()
		await flushPromises()
	}

	/** The client waits no longer than it has to, nor shorter. */
	checkPatience(wokenAt: number): void {
		const { now, claim } = this.#line
		if (!this.isAccepted && !this.isOurs)
			claim(now <= this.#askedAt + 30_000, 'a request is given up after 30 s')
		else if (this.isOurs)
			claim(
				now <= Math.max(this.heardAt + 2.5 * ping, wokenAt + 2_000),
				'a silent link is given up'
			)
	}

	#retry(delay: number): string {
		this.#isContinued = true
		this.#line.heed(delay)
		return `retry: ${delay}\n`
	}

	get #askedAt(): number {
		return this.#line.triedAt
	}

	/** Bytes come. */
	#hear(): void {
		this.#line.world.letGo(false)
		if (this.isOver) return
		this.heardAt = this.#line.now
		if (this.isAccepted && !this.isDoubted) return
		if (!this.isAccepted) this.acceptedAt = this.heardAt
		this.isAccepted = true
		this.isDoubted = false
		this.#line.tell((handle) => handle.stand('open'))
	}

	#send(after: number): Promise<void> {
		this.#hear()
		return this.call.write(this.#after(after))
	}

	/** What comes after the event that the client has. */
	#replay(): string {
		const id = this.call.lastEventId
		return id === null ? '' : this.#after(+id)
	}

	/** The events after one. */
	#after(after: number): string {
		const { stream } = this.#line
		let text = ''
		for (let number = after + 1; number <= stream.newest; number++) {
			text += stream.text(number)
			// In the middle of a piece, the last reader may leave.
			if (this.isOver) continue
			this.#events++
			this.#isContinued ||= stream.hasIds
			if (stream.hasIds) this.#line.cursor = number
			this.#line.tell((handle) => handle.hear(number))
		}
		return text
	}

	/** What the end of the body means. */
	#ending(isBetween = true): Loss {
		const isOrderly = this.#events > 0
		const reason = this.saysGoodbye
		if (reason === 'denied') return { isFinal: true }
		if (reason === 'error') return {}
		if (reason)
			return {
				isOrderly,
				isPlain: true,
				isFinal: reason === 'done',
				isAtOnce: reason === 'rotate' || reason === 'expired'
			}
		if (this.isOurs || !isBetween) return {}
		return {
			isOrderly,
			isPlain: true,
			isMeant: !this.#isContinued && this.call.lastEventId === null
		}
	}

	#lose(loss: Loss): void {
		this.#line.world.letGo(false)
		if (!this.isOver) this.#line.lose(loss)
	}

	/** The client has aborted the request. It may, if nobody wants it, the page is hidden, or nothing comes. */
	#givenUp(): void {
		const line = this.#line
		line.world.letGo()
		if (this.isOver) return
		if (line.isHiddenTooLong) return line.pause('hidden')
		if (this.saysGoodbye) {
			line.claim(line.now >= this.#goodbyeAt + 1_000, 'the end is awaited for a second')
			return line.lose(this.#ending())
		}
		const isAnswered = this.isAccepted || this.isOurs
		line.claim(
			isAnswered
				? this.isOurs && line.now >= this.heardAt + 1.25 * ping
				: line.now >= this.#askedAt + 30_000,
			'a request is not given up without a reason'
		)
		line.lose({})
	}
}
