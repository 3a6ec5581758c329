import { clock, longestDelay } from '../clock.js'
import { environment } from '../environment.js'
import type { CloseReason } from '../errors.js'
import { gatherIdleChecks } from './idle-connections.js'
import { invalid } from '../parts/check.js'
import { cutOffUnread } from './unread-responses.js'

/** A stream that can be asked to end. */
export interface Drainable {
	readonly buffered: number
	end(reason: CloseReason, retry?: number): void
}

/** How `drain` spreads the clients that come back. */
export interface DrainOptions {
	/**
	 * Milliseconds over which the clients come back: each is told to wait a random part of it.
	 * @default 5_000
	 */
	within?: number | undefined
}

interface Registry {
	streams: Set<Drainable>
	signals: boolean
	/** Set once the process has been told to end: streams that still open are sent away at once. */
	leaving: boolean
}

// Kept on globalThis, since a development server loads this module anew after a change, and the streams of the old
// copy have to end as well when the process is told to.
const key = Symbol.for('sveltekit-sse.streams')
const registry: Registry = ((globalThis as Record<symbol, unknown>)[key] ??= {
	streams: new Set(),
	signals: false,
	leaving: false
} satisfies Registry) as Registry

const defaultWithin = 5_000
/** Milliseconds that the last frames have to reach the sockets before the process goes on dying. */
const lastBytes = 1_000
/** Milliseconds for which a process that was told to end waits for clients that do not read. */
const patience = defaultWithin - lastBytes
/** Milliseconds after which a process that was told to end, and has not, counts as going on. */
const survived = 60_000

/** Counts a stream as open, where one request may end the streams of others. */
export function enlist(stream: Drainable): void {
	if (environment.isolatesRequests) return
	registry.streams.add(stream)
	listenForSignals()
}

/** Counts a stream as ended. */
export function delist(stream: Drainable): void {
	registry.streams.delete(stream)
}

/** How many streams of this process are open. */
export function openStreams(): number {
	return registry.streams.size
}

/** When the process has been told to end: sends a stream that was opened all the same away. */
export function sendAway(stream: Drainable): void {
	if (registry.leaving) stream.end('restart', spread(defaultWithin))
}

/**
 * Ends every open stream of this process with `restart`, each with a random `retry` within the given time, so that the
 * clients do not come back all at once. Resolves when the last bytes have been taken, or after a second.
 *
 * It also happens by itself on SIGTERM and SIGINT. On Cloudflare Workers it does nothing: there no request may end the
 * streams of others.
 *
 * @example
 * ```ts
 * import { drain } from 'sveltekit-sse'
 *
 * process.on('SIGUSR2', () => void drain({ within: 10_000 }))
 * ```
 */
export async function drain(options: DrainOptions = {}): Promise<void> {
	const { within = defaultWithin } = options
	if (typeof within !== 'number' || !(within >= 0 && within <= longestDelay))
		throw invalid('`within`', 'milliseconds, 0 or more', within)
	const ended = [...registry.streams]
	for (const stream of ended) stream.end('restart', spread(within))
	if (ended.length === 0) return
	const deadline = clock.now() + lastBytes
	// At least once: what was taken has yet to be written to the socket.
	do await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
	while (clock.now() < deadline && ended.some((stream) => stream.buffered > 0))
}

function spread(within: number): number {
	return Math.floor(Math.random() * within)
}

interface Process {
	pid: number
	prependListener(signal: string, listener: () => void): void
	off(signal: string, listener: () => void): void
	listenerCount(signal: string): number
	kill(pid: number, signal: string): void
	getBuiltinModule?(name: string): unknown
	_getActiveHandles?(): unknown[]
}

function prepareToLeave(host: Process): void {
	registry.leaving = true
	const restore = gatherIdleChecks(host)
	clock.setTimeout(() => cutOffUnread(host), patience)
	// A process that goes on living after all takes streams again.
	clock.setTimeout(() => {
		registry.leaving = false
		restore()
	}, survived)
}

// Looked up, not imported: elsewhere than in Node there is no such thing, and nothing to do.
function listenForSignals(): void {
	const host = (globalThis as { process?: Process }).process
	if (registry.signals || typeof host?.prependListener !== 'function') return
	registry.signals = true
	// Before the others, so that a listener of theirs that runs only once is still counted.
	for (const signal of ['SIGTERM', 'SIGINT'])
		host.prependListener(signal, function leave() {
			// With no other listener the process would have died here; so it dies once the streams have ended.
			const alone = host.listenerCount(signal) === 1
			if (!registry.leaving) prepareToLeave(host)
			void drain().then(() => {
				if (!alone) return
				host.off(signal, leave)
				host.kill(host.pid, signal)
			})
			writeNow(host)
		})
}

/**
 * On Bun: writes the last frames before the next listener of the signal runs. svelte-adapter-bun closes every connection
 * in that listener. Elsewhere it does nothing.
 */
function writeNow(host: Process): void {
	const engine = host.getBuiltinModule?.('bun:jsc') as { drainMicrotasks?(): void } | undefined
	engine?.drainMicrotasks?.()
}
