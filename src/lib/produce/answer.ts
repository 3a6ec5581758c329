import type { CloseReason } from '../errors.js'

/** What SvelteKit's `error()` and `redirect()` throw. */
export interface Answer {
	readonly status: number
}

/**
 * Whether this is what SvelteKit's `error()` or `redirect()` throws: something for SvelteKit to answer with, not a failure.
 *
 * By its shape, since the library does not import SvelteKit, and neither class is an `Error`.
 */
export function isAnswer(thrown: unknown): thrown is Answer {
	if (typeof thrown !== 'object' || thrown === null || thrown instanceof Error) return false
	const { status, location, body } = thrown as Record<string, unknown>
	if (!Number.isInteger(status)) return false
	return (
		typeof location === 'string' || typeof (body as { message?: unknown })?.message === 'string'
	)
}

// 408 Request Timeout, 425 Too Early and 429 Too Many Requests pass; the client may try again.
const passing = [408, 425, 429]

/** How a stream ends whose response has begun when its answer comes: the client should do what it does after the status. */
export function reasonFor({ status }: Answer): CloseReason {
	return status >= 400 && status < 500 && !passing.includes(status) ? 'denied' : 'error'
}

/** Says that an answer came too late to be one. */
export function lateAnswer(answer: Answer): Error {
	return new Error(
		`\`start\` threw an answer with status ${answer.status} after the response had begun, so the stream ended ` +
			`with \`${reasonFor(answer)}\` instead. Call error() or redirect() before produce(), or in a \`start\` ` +
			'that is neither async nor a generator.',
		{ cause: answer }
	)
}
