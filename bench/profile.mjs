// A CPU profile of a server process while it is being measured.

import { Session } from 'node:inspector/promises'

/** @type {Session | undefined} */
let session

export async function start() {
	session = new Session()
	session.connect()
	await session.post('Profiler.enable')
	await session.post('Profiler.setSamplingInterval', { interval: 200 })
	await session.post('Profiler.start')
}

/** Where the time went: the share of each function, the largest first. */
export async function stop() {
	if (!session) return []
	const { profile } = await session.post('Profiler.stop')
	session.disconnect()
	/** @type {Map<string, number>} */
	const shares = new Map()
	const total = profile.timeDeltas?.reduce((sum, delta) => sum + delta, 0) ?? 1
	const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
	profile.samples?.forEach((id, index) => {
		const frame = nodes.get(id)?.callFrame
		if (!frame) return
		const file = frame.url
			.split('/')
			.slice(-2)
			.join('/')
			.replace(/^sveltekit-sse-bench-[^/]*\//, '')
		const name = `${frame.functionName || '(anonymous)'} ${file}${file && `:${frame.lineNumber + 1}`}`
		shares.set(name, (shares.get(name) ?? 0) + (profile.timeDeltas?.[index] ?? 0) / total)
	})
	return [...shares].sort(([, one], [, other]) => other - one)
}
