// What the library knows of a development server that runs it.

import { environment } from './environment.js'

type Meta = ImportMeta & { env?: { DEV?: unknown; MODE?: unknown; VITEST?: unknown } }

/**
 * Whether a development server runs this module and loads changed modules again. Vitest does not, although it is Vite.
 * Neither does code that was built for development: there this module has no file of its own. Some versions of Vitest
 * do not set their variable here, but all set the mode. In workerd nothing may outlive its request.
 */
export const isDevServer =
	(import.meta as Meta).env?.DEV === true &&
	!(import.meta as Meta).env?.VITEST &&
	(import.meta as Meta).env?.MODE !== 'test' &&
	!environment.isolatesRequests &&
	/\/dev-server\.[jt]s\b/.test(import.meta.url)

/** Frames of a stack that reach from the library to a hook of the user's. */
const depth = 50

/**
 * The place of a frame: `at name (place:line:column)`, or `at place:line:column` in a function without a name. Folders
 * may have parentheses, as SvelteKit's groups of routes do. A query changes with each edit. What is not a file, such as
 * `node:internal/…`, does not begin like one. Of evaluated code V8 may name a file that evaluated the same before.
 */
const place =
	/^\s*at (?!.*\(eval at )(?:async |.*? \()??((?:file:\/\/)?(?:[A-Za-z]:)?[/\\].*?)(?:\?.*?)?:\d+:\d+/

/** The user's files that called into the library, the nearest first. Packages are left out, and the library's own files. */
export function callingFiles(): string[] {
	const { stackTraceLimit } = Error
	Error.stackTraceLimit = depth
	const lines = new Error().stack?.split('\n') ?? []
	Error.stackTraceLimit = stackTraceLimit
	const own = pathOf(new URL('.', import.meta.url).href)
	const files = lines
		.map((line) => fileOf(line) ?? '')
		.filter((file) => file && !file.startsWith(own) && !file.includes('/node_modules/'))
	return [...new Set(files)]
}

/** The file that one line of a stack names, if it names one. */
export function fileOf(line: string): string | undefined {
	const found = place.exec(line)?.[1]
	return found && pathOf(found)
}

/** A path as Node's file system takes it, of a path or a `file:` address. */
function pathOf(place: string): string {
	const path = place.startsWith('file://')
		? decodeURIComponent(place.slice('file://'.length))
		: place
	return path.replaceAll('\\', '/').replace(/^\/(?=[A-Za-z]:)/, '')
}
