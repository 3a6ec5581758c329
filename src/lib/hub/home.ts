import { environment } from '../environment.js'
import { SseError } from '../errors.js'

/** What workerd lets nobody but the request, or the Durable Object, that made it look at. */
interface Bound {
	readonly readyState: number
}

/**
 * Where a hub lives: it has timers and streams, which on Cloudflare Workers are of use only to the request or the Durable
 * Object that made them. Elsewhere it lives everywhere.
 */
export class Home {
	readonly #bound = environment.isolatesRequests ? bind() : undefined

	/** @throws {SseError} `invalid-argument` in a request that the hub does not live in. */
	check(): void {
		try {
			void this.#bound?.readyState
		} catch (cause) {
			throw misplaced(cause)
		}
	}
}

/** A socket that is never connected: it costs nothing, and looking at it does nothing. */
function bind(): Bound {
	try {
		return new (globalThis as unknown as { WebSocketPair: new () => [Bound] }).WebSocketPair()[0]
	} catch (cause) {
		throw misplaced(cause)
	}
}

function misplaced(cause: unknown): SseError {
	return new SseError(
		'invalid-argument',
		'On Cloudflare Workers a hub belongs in a Durable Object: make it a field of its class. ' +
			'Requests to a plain Worker share no timers, and run in many places at once. See docs/cloudflare.md.',
		{ cause }
	)
}
