import type { CloseReason } from '../../../src/lib/errors.js'
import type { Random } from '../../support/random.js'
import type { Sequence } from './sequence.js'

/** Does one thing to a sequence; what it returns undoes it after a while. */
type Fault = (sequence: Sequence, random: Random) => (() => unknown) | void

/** What networks and proxies do. */
const network: Record<string, Fault> = {
	cut: ({ proxy }) => proxy.cut(),
	reset: ({ proxy }) => proxy.reset(),
	cutAfter: ({ proxy }, random) => proxy.cutAfter(random.int(0, 1_500)),
	resetAfter: ({ proxy }, random) => proxy.resetAfter(random.int(0, 1_500)),
	stall: ({ proxy }) => {
		proxy.stall()
		return () => proxy.resume()
	},
	halfOpen({ proxy }) {
		for (const connection of proxy.connections) connection.halfOpen()
	},
	swallow({ proxy }) {
		proxy.halfOpen()
		return () => proxy.clear()
	},
	delay: ({ proxy }, random) => proxy.delay(random.int(1, 60)),
	throttle: ({ proxy }, random) => proxy.throttle(random.int(500, 50_000)),
	hold({ proxy }, random) {
		proxy.hold(random.pick([200, 4_000, Infinity]))
		return () => proxy.release()
	},
	split: ({ proxy }, random) => proxy.split(() => random.int(1, 40)),
	refuse({ proxy }, random) {
		proxy.refuse(random.pick(['closed', 'reset']))
		if (random.chance(0.5)) proxy.cut()
		return () => proxy.accept()
	},
	answer({ proxy }, random) {
		const status = random.pick([408, 425, 429, 500, 502, 503, 504])
		const headers: Record<string, string> = {}
		if (random.chance(0.5)) headers['retry-after'] = random.pick(['0', '1', '3', 'soon'])
		proxy.answer({ status, headers, body: 'x'.repeat(random.int(0, 5_000)) }, random.int(1, 3))
		if (random.chance(0.7)) proxy.reset()
	}
}

/** What servers do. */
const server: Record<string, Fault> = {
	restart: (sequence) => sequence.serially(() => sequence.server.restart()),
	kill(sequence) {
		sequence.serially(() => sequence.server.kill())
		return () => sequence.serially(() => sequence.server.start())
	},
	end({ numbers }, random) {
		const reason = random.pick<CloseReason>(['restart', 'rotate', 'slow', 'expired', 'error'])
		numbers.end(reason, random.chance(0.5) ? random.int(0, 3_000) : undefined)
	},
	forget: (sequence) => sequence.serially(() => sequence.numbers.forget()),
	finish({ client, numbers }, random) {
		const reason = random.pick(['done', 'denied'] as const)
		client.finals.add(reason)
		numbers.end(reason)
	},
	refuse({ client, proxy }, random) {
		const status = random.pick([204, 401, 404, 410])
		client.finals.add(status === 204 ? 'no-content' : 'refused')
		proxy.answer({ status }, 1)
		proxy.reset()
	},
	flood: (sequence, random) => sequence.count(random.int(10, 60))
}

/** What the user of the client does. */
const users = ({ client }: Sequence): Record<string, Fault> =>
	Object.fromEntries(
		Object.entries(client.acts).map(([name, act]) => [name, (_, random) => act(random)])
	)

/** How often the commonest come; all others come once. */
const weights: Record<string, number> = { cut: 3, reset: 3, cutAfter: 3, resetAfter: 3, end: 3 }

/** Draws one fault. */
export function drawFault(sequence: Sequence): { name: string; fault: Fault } {
	const faults = [network, server, users(sequence)].flatMap((some) => Object.entries(some))
	const name = sequence.random.weighted(
		Object.fromEntries(faults.map(([name], index) => [index, weights[name] ?? 1]))
	)
	const [title, fault] = faults[Number(name)]!
	return { name: title, fault }
}
