// A CPU profile of this process while it is being measured, and whose code the time was spent in.

import { existsSync, readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** @import { Profiler } from 'node:inspector' */

/** @type {Session | undefined} */
let session

export async function start() {
	session = new Session()
	session.connect()
	await session.post('Profiler.enable')
	await session.post('Profiler.setSamplingInterval', { interval: 200 })
	await session.post('Profiler.start')
}

/**
 * Where the time went: each party's share of the time that the process was busy, the largest first.
 *
 * @returns {Promise<[party: string, share: number][]>}
 */
export async function stop() {
	if (!session) return []
	const { profile } = await session.post('Profiler.stop')
	session.disconnect()
	const times = timesOf(profile)
	/** @type {Map<string, number>} */
	const shares = new Map()
	for (const [node, time] of times) {
		const party = partyOf(node.callFrame)
		if (party) shares.set(party, (shares.get(party) ?? 0) + time)
	}
	const total = [...shares.values()].reduce((sum, time) => sum + time, 0)
	return [...shares]
		.map(([party, time]) => /** @type {[string, number]} */ ([party, time / total]))
		.sort(([, one], [, other]) => other - one)
}

/** @param {Profiler.Profile} profile */
function timesOf({ nodes, samples = [], timeDeltas = [] }) {
	const byId = new Map(nodes.map((node) => [node.id, node]))
	/** @type {Map<Profiler.ProfileNode, number>} */
	const times = new Map()
	samples.forEach((id, index) => {
		const node = byId.get(id)
		if (node) times.set(node, (times.get(node) ?? 0) + (timeDeltas[index] ?? 0))
	})
	return times
}

const writes = /^(writev|writeBuffer|writeUtf8String|writeLatin1String|writeAsciiString)$/
const converts = /^(encode|decode|utf8Write|latin1Write|byteLengthUtf8)/

/** @param {import('node:inspector').Runtime.CallFrame} frame */
function partyOf(frame) {
	const { functionName: name, url } = frame
	if (name === '(idle)') return undefined
	if (name === '(garbage collector)') return 'garbage collector'
	if (url === '') {
		if (writes.test(name)) return 'the kernel: writing to the socket'
		if (converts.test(name)) return 'text to bytes and back'
		return 'V8 and Node, native'
	}
	if (/^node:internal\/(webstreams|abort_controller|event_target)/.test(url)) return 'web streams'
	if (/^node:internal\/(encoding|buffer)|^node:buffer/.test(url)) return 'text to bytes and back'
	if (url.startsWith('node:')) return "Node's HTTP server, sockets and timers"
	const file = sourceOf(frame)
	if (file.includes('@sveltejs/kit/')) return "SvelteKit's bridge"
	if (file.includes('/eventsource-parser/')) return 'eventsource-parser'
	if (file.includes('node_modules/svelte/')) return 'Svelte'
	const own = /(?:^|\/)dist\/(.*)$/.exec(file)
	return own ? `this library: ${own[1]}` : 'the measuring itself'
}

/** @type {Map<string, SourceMap | undefined>} */
const maps = new Map()

/** The file that a place in a bundle comes from. @param {import('node:inspector').Runtime.CallFrame} frame */
function sourceOf({ url, lineNumber, columnNumber }) {
	if (!maps.has(url)) {
		const map = `${url.startsWith('file:') ? fileURLToPath(url) : url}.map`
		const payload = existsSync(map) && JSON.parse(readFileSync(map, 'utf8'))
		maps.set(url, payload ? new SourceMap(payload) : undefined)
	}
	const entry = maps.get(url)?.findEntry(lineNumber, columnNumber)
	return entry && 'originalSource' in entry ? entry.originalSource : url
}
