import { checkContract } from '../contract/internals.js'
import { environment } from '../environment.js'
import { SseError, toError } from '../errors.js'
import { checkHeaders, describe, invalid } from '../parts/check.js'
import type { NestedOptions, SourceOptions } from './options.js'

// Looks at the options of source() while an app is being developed. Production builds leave this file out: an option of
// the wrong type is a mistake in the code, and has been seen by then.

/** @throws {SseError} `invalid-url`, `invalid-argument`, with what to write instead. */
export function checkSource(from: unknown, options: SourceOptions<never>): void {
	// What is undefined would be a URL too, whose path is `undefined`.
	if (typeof from !== 'string' && typeof from !== 'function' && !(from instanceof URL)) {
		const message = `source() needs a URL such as '/events', received ${describe(from)}.`
		throw new SseError('invalid-url', message)
	}
	if (typeof options !== 'object' || options === null)
		throw invalid('`options`', "an object such as { method: 'GET' }", options)
	const nested = options.options ?? {}
	const { method = nested.method ?? 'POST', body = nested.body, headers = nested.headers } = options
	const { watchdog, hidden, reconnect, events, signal = nested.signal } = options
	checkType('method', method, 'string')
	if (typeof options.lastEventId !== 'function')
		checkType('lastEventId', options.lastEventId, 'string')
	if (typeof options.initial !== 'function') checkType('initial', options.initial, 'object')
	checkType('key', options.key, 'string')
	if (options.urlChange !== undefined && !['reset', 'resume'].includes(options.urlChange))
		throw invalid('`urlChange`', "'reset' or 'resume'", options.urlChange)
	for (const name of callbacks) checkType(name, options[name], 'function')
	checkDelay('linger', options.linger)
	checkDelay('connectTimeout', options.connectTimeout)
	if (watchdog !== false) checkDelay('watchdog', watchdog)
	if (signal !== undefined && !(signal instanceof AbortSignal))
		throw invalid('`signal`', 'an AbortSignal', signal)
	checkContract(events)
	if (headers !== undefined && typeof headers !== 'function') checkHeaders(headers)
	// On a server, where nothing is requested, Node takes no URL that is relative to the page.
	if (environment.isClient)
		checkInit({ ...nested, credentials: options.credentials ?? nested.credentials })
	checkBody(body, method)
	checkReconnect(reconnect)
	checkHidden(hidden)
}

const callbacks = [
	'open',
	'close',
	'error',
	'message',
	'onopen',
	'onclose',
	'onerror',
	'onmessage',
	'gap',
	'fetch'
] as const

function checkReconnect(reconnect: unknown): void {
	if (reconnect === undefined || typeof reconnect === 'boolean') return
	if (typeof reconnect !== 'object' || reconnect === null)
		throw invalid('`reconnect`', 'a boolean, or an object such as { max: 10_000 }', reconnect)
	const policy = reconnect as Record<string, unknown>
	for (const name of ['min', 'max', 'attempts', 'minUptime'])
		checkDelay(`reconnect.${name}`, policy[name])
	checkType('reconnect.decide', policy.decide, 'function')
}

function checkHidden(hidden: unknown): void {
	if (hidden === undefined || hidden === 'keep') return
	const pauseAfter = (hidden as { pauseAfter?: unknown } | null)?.pauseAfter
	if (pauseAfter === undefined)
		throw invalid('`hidden`', "'keep' or { pauseAfter: milliseconds }", hidden)
	checkDelay('hidden.pauseAfter', pauseAfter)
}

/** What is not looked at elsewhere goes to `fetch` as it is, which would refuse it at every attempt. */
function checkInit(nested: NestedOptions): void {
	const others = { method: undefined, headers: undefined, body: undefined, signal: undefined }
	try {
		new Request('http://localhost', { ...nested, ...others } as RequestInit)
	} catch (cause) {
		const message = `\`fetch\` does not take these options: ${toError(cause).message}`
		throw new SseError('invalid-argument', message, { cause })
	}
}

function checkBody(body: unknown, method: string): void {
	if (body === undefined || body === null) return
	if (/^(get|head)$/i.test(method)) {
		const message = `A ${method} request cannot have a body; use POST, or leave it out.`
		throw new SseError('invalid-argument', message)
	}
	const isPlain = typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype
	if (isPlain || Array.isArray(body) || typeof body === 'number')
		throw invalid('`body`', 'what fetch can send, such as JSON.stringify(value)', body)
}

function checkType(name: string, value: unknown, type: 'string' | 'function' | 'object'): void {
	if (value !== undefined && typeof value !== type)
		throw invalid(`\`${name}\``, `${type === 'object' ? 'an' : 'a'} ${type}`, value)
}

function checkDelay(name: string, value: unknown): void {
	if (value !== undefined && !(typeof value === 'number' && value >= 0))
		throw invalid(`\`${name}\``, 'a number, 0 or more', value)
}
