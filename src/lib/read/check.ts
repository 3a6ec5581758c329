import { checkContract } from '../contract/internals.js'
import { SseError } from '../errors.js'
import { checkHeaders, describe, invalid } from '../parts/check.js'
import type { ReadOptions } from './options.js'

// Looks at what read() is given, in development and always on servers, where the size of a message does not matter. Production
// builds for browsers leave this file out.

/** What is known of the requests of a loop. */
interface Planned {
	readonly method: string
	readonly isBodiless: boolean
	readonly isOneShot: boolean
}

/**
 * @param isMade whether a function makes the request, so that its method is not known yet
 * @throws {SseError} `invalid-argument`, with what to write instead.
 */
export function checkRead<S>(
	options: ReadOptions<S>,
	{ method, isBodiless, isOneShot }: Planned,
	isMade: boolean
): void {
	const { headers, body, signal, reconnect, until } = options
	if (typeof headers !== 'function') checkHeaders(headers)
	if (body != null && isBodiless && !isMade)
		throw misuse(`A ${method} request cannot have a body; pass method: 'POST', or leave it out.`)
	if (isOneShot && reconnect)
		throw misuse(
			'A connection cannot come back with a body that was sent already. Pass a function that makes the body, or the whole ' +
				'Request, for each attempt; or leave `reconnect` out.'
		)
	if (signal !== undefined && !(signal instanceof AbortSignal))
		throw invalid('`signal`', 'an AbortSignal', signal)
	if (until !== undefined && typeof until !== 'string' && typeof until !== 'function')
		throw invalid('`until`', "a string such as '[DONE]', or a function", until)
	checkContract(options.events)
}

/** @throws {SseError} `invalid-argument` for a request whose body was sent. */
export function checkRequest(request: Request | undefined): void {
	if (request?.bodyUsed)
		throw misuse('The body of this Request was sent already. Make a new Request for each attempt.')
}

/** @throws {SseError} `invalid-argument` for a response that cannot be read. */
export function checkOnce(response: unknown): void {
	if (!(response as Response | undefined)?.headers)
		throw invalid('The argument of read.once()', 'a Response, such as `await fetch(url)`', response)
	const { bodyUsed, body } = response as Response
	if (bodyUsed || body?.locked)
		throw misuse(
			'The body of this response has a reader already. Give read.once() a response that nobody reads.'
		)
}

/** Why something is no URL here. */
export function explainUrl(address: unknown): string {
	return (
		`read() needs a URL, received ${describe(address)}. Outside of a page the URL has to be absolute, such as ` +
		"'https://example.com/events'. In a +server.ts a relative URL works with `fetch: event.fetch`."
	)
}

function misuse(message: string): SseError {
	return new SseError('invalid-argument', message)
}
