import { invalid } from '../parts/check.js'

/** What SvelteKit calls; it gets `request`, `url`, `params` and what the test adds. */
export type Handler = (event: never) => Response | Promise<Response>

/** A handler for each method, such as a whole `+server.ts` module. */
export type Methods = { readonly [method: string]: unknown }

/** One handler for all requests, or what answers by the path of the route. */
export type Routes = Handler | { readonly [path: string]: Handler | Methods }

type Call = (event: object) => Response | Promise<Response>

/** Finds who answers a request, and has it answered. */
export function createRouter(
	routes: Routes,
	extra: Record<string, unknown> = {}
): (request: Request) => Promise<Response> {
	const table =
		typeof routes === 'function'
			? undefined
			: Object.entries(routes).map(([path, target]) => ({ match: compile(path), target }))

	return async (request) => {
		const url = new URL(request.url)
		const found = table ? find(table, url.pathname) : { target: routes as Handler, params: {} }
		if (!found) return new Response('Not found', { status: 404 })
		const { target, params } = found
		const handler = typeof target === 'function' ? target : target[request.method]
		if (typeof handler !== 'function')
			return new Response(`${request.method} method not allowed`, { status: 405 })
		return (handler as Call)({ ...extra, request, url, params })
	}
}

interface Route {
	match: (path: string) => Record<string, string> | undefined
	target: Handler | Methods
}

function find(
	table: readonly Route[],
	path: string
): { target: Handler | Methods; params: Record<string, string> } | undefined {
	for (const { match, target } of table) {
		const params = match(path)
		if (params) return { target, params }
	}
	return undefined
}

/** A path with parameters such as `[room]`, each one segment. */
function compile(path: string): Route['match'] {
	if (!path.startsWith('/'))
		throw invalid('A route', `a path that begins with a slash, such as '/${path}'`, path)
	const segments = path.split('/')
	return (actual) => {
		const given = actual.split('/')
		if (given.length !== segments.length) return undefined
		const params: Record<string, string> = {}
		const fits = segments.every((segment, index) => {
			const name = /^\[(\w+)\]$/.exec(segment)?.[1]
			const value = given[index]!
			if (name === undefined) return segment === value
			params[name] = decodeURIComponent(value)
			return value !== ''
		})
		return fits ? params : undefined
	}
}
