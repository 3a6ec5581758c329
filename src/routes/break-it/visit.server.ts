import { produce, type Emit, type ProducerConnection } from 'sveltekit-sse'
import { Sessions } from '../../demo/sessions.server.js'
import { Breakable } from './breakable.server.js'

/** Numbers that can be sent again; at four a second, those of eight minutes. */
const kept = 2_000
/** Milliseconds for which the counting goes on while nobody listens. */
const patience = 30_000
/** Milliseconds; the page knows after two and a half of them that it hears nothing, a busy machine included. */
const ping = 2_000

/** One visitor's numbers. They go on while the stream is down, so coming back means catching up. */
export class Visit {
	#last = 0
	#refusals = 0
	readonly #streams = new Map<ProducerConnection, Breakable | undefined>()
	#timer: ReturnType<typeof setInterval> | undefined
	#rest: ReturnType<typeof setTimeout> | undefined

	/** What the events endpoint answers. */
	open(request: Request): Response {
		if (this.#refusals > 0) {
			this.#refusals--
			return new Response('Closed for a moment, on purpose.', {
				status: 503,
				headers: { 'retry-after': '1' }
			})
		}
		let made!: ProducerConnection
		const response = produce(
			(stream) => {
				made = stream
				this.#streams.set(stream, undefined)
				this.#catchUp(stream)
				this.#count()
				return () => this.#leave(stream)
			},
			{ request, ping, resumed: true }
		)
		const breakable = new Breakable(response)
		if (this.#streams.has(made)) this.#streams.set(made, breakable)
		return breakable.response
	}

	/** Breaks every stream that is open. */
	break(how: string): void {
		for (const [stream, breakable] of this.#streams) {
			if (how === 'cut') breakable?.cut()
			else if (how === 'stall') breakable?.stall()
			else if (how === 'restart') stream.close('restart', { retry: 2_000 })
			else if (how === 'rotate') stream.close('rotate')
			else if (how === 'expired') stream.close('expired')
			else if (how === 'denied') stream.close('denied')
			else if (how === 'done') stream.close('done')
			else if (how === 'error') stream.close('error')
			else if (how === 'refuse') {
				this.#refusals = 3
				breakable?.cut()
			}
		}
	}

	dispose(): void {
		for (const stream of this.#streams.keys()) stream.close('restart')
		clearInterval(this.#timer)
		clearTimeout(this.#rest)
	}

	/** Sends what came after the last number that the client has seen. */
	#catchUp({ emit, lastEventId }: ProducerConnection): void {
		const seen = Number(lastEventId ?? 0)
		const first = Math.max(this.#last - kept, Number.isInteger(seen) ? seen : 0) + 1
		for (let number = first; number <= this.#last; number++) send(emit, number, true)
	}

	#count(): void {
		clearTimeout(this.#rest)
		this.#timer ??= setInterval(() => {
			this.#last++
			for (const { emit } of this.#streams.keys()) send(emit, this.#last, false)
		}, 250)
	}

	#leave(stream: ProducerConnection): void {
		this.#streams.delete(stream)
		if (this.#streams.size > 0) return
		this.#rest = setTimeout(() => {
			clearInterval(this.#timer)
			this.#timer = undefined
		}, patience)
	}
}

function send(emit: Emit, number: number, isLate: boolean): void {
	emit('number', { number, isLate }, { id: String(number) })
}

export const visits = new Sessions(() => new Visit(), { forget: (visit) => visit.dispose() })
