import { clock } from '../clock.js'
import { callingFiles, isDevServer } from '../dev-server.js'
import type { Drainable } from './drain.js'

interface FileSystem {
	watchFile(path: string, options: object, listener: Listener): void
	unwatchFile(path: string, listener: Listener): void
}

type Listener = (now: { mtimeMs: number }, before: { mtimeMs: number }) => void

/** Milliseconds between two looks at a file. Looking works where notices of the system do not, such as in containers. */
const interval = 250
/** Milliseconds that the development server has to notice the change too, so that who comes back meets the new code. */
const notice = 300

const files = new Map<string, { streams: Set<Drainable>; unwatch: () => void }>()

/**
 * In development: ends a stream with `restart` when a file is edited that had a part in making it, such as its
 * endpoint, so that the page comes back to the new code. Elsewhere it does nothing.
 *
 * @returns stops watching
 */
export function restartWhenEdited(stream: Drainable): (() => void) | undefined {
	const system = isDevServer ? fileSystem() : undefined
	if (!system) return undefined
	const involved = callingFiles()
	for (const file of involved) watch(system, file).add(stream)
	return () => involved.forEach((file) => forget(file, stream))
}

function watch(system: FileSystem, file: string): Set<Drainable> {
	const known = files.get(file)
	if (known) return known.streams
	const streams = new Set<Drainable>()
	const listener: Listener = (now, before) => {
		// Zero: the file is gone, which some editors do for a moment when they save. The same: only its mode or its links
		// are other than before.
		if (now.mtimeMs === 0 || now.mtimeMs === before.mtimeMs) return
		// Who comes back meanwhile has the new code already.
		const old = [...streams]
		clock.setTimeout(() => old.forEach((stream) => stream.end('restart')), notice)
	}
	system.watchFile(file, { persistent: false, interval }, listener)
	files.set(file, { streams, unwatch: () => system.unwatchFile(file, listener) })
	return streams
}

function forget(file: string, stream: Drainable): void {
	const known = files.get(file)
	if (!known?.streams.delete(stream) || known.streams.size > 0) return
	known.unwatch()
	files.delete(file)
}

/** Looked up, not imported: elsewhere than in Node there is no such thing. */
function fileSystem(): FileSystem | undefined {
	const host = (
		globalThis as { process?: { getBuiltinModule?(name: string): FileSystem | undefined } }
	).process
	return host?.getBuiltinModule?.('node:fs')
}
