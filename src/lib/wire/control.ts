import type { CloseReason } from '../errors.js'
import { encodeComment, encodeRetry } from './encode.js'

// What server and client say to one another beside the events. All of it is comments, so that any other reader of
// the stream, the browser's EventSource included, does not notice.

const protocol = 'sveltekit-sse/1'

const reasons: readonly CloseReason[] = [
	'done',
	'restart',
	'rotate',
	'slow',
	'expired',
	'denied',
	'error'
]

export type Control =
	| {
			kind: 'hello'
			/** Milliseconds between heartbeats. */
			ping: number | undefined
			/** The versions of the contract that the stream is for. */
			events: string | undefined
			/** Whether the stream goes on behind the id that the request named. */
			resumed: boolean
	  }
	| { kind: 'close'; reason: CloseReason }
	| { kind: 'gap' }

export interface Hello {
	ping: number | false
	retry?: number | undefined
	events?: { readonly version: number | undefined; readonly since: number | undefined } | undefined
	resumed?: boolean | undefined
}

/**
 * The first frame: it makes the response's headers leave at once and tells the client the heartbeat's interval, which
 * versions of the contract the stream is for, and whether it goes on behind the client's last event id.
 */
export function helloFrame({ ping, retry, events, resumed }: Hello): string {
	const versions = events?.version === undefined ? '' : ` events=${events.version},${events.since}`
	return (
		(retry === undefined ? '' : encodeRetry(retry)) +
		encodeComment(
			`${protocol} hello ping=${Math.ceil(+ping)}${versions}${resumed ? ' resumed=1' : ''}`
		)
	)
}

/** The last frame: why the stream ends, and after how many milliseconds to come back. */
export function closeFrame(reason: CloseReason, retry?: number): string {
	return (
		(retry === undefined ? '' : encodeRetry(retry)) + encodeComment(`${protocol} close ${reason}`)
	)
}

/** Says that events were left out at this place of the stream. */
export const gapFrame = /* @__PURE__ */ encodeComment(`${protocol} gap`)

export const heartbeatFrame = /* @__PURE__ */ encodeComment()

/** What a comment says, or nothing when it is not one of ours. */
export function parseControl(comment: string): Control | undefined {
	const [version, kind, ...rest] = comment.split(' ')
	if (version !== protocol) return undefined
	if (kind === 'hello') {
		const { ping, events, resumed } = Object.fromEntries(rest.map((pair) => pair.split('=')))
		return { kind, ping: +(ping ?? 0) || undefined, events, resumed: resumed === '1' }
	}
	if (kind === 'gap') return { kind }
	const reason = reasons.find((known) => known === rest[0])
	return kind === 'close' && reason ? { kind, reason } : undefined
}

export function isCloseReason(value: unknown): value is CloseReason {
	return reasons.includes(value as CloseReason)
}

export const closeReasons = reasons
