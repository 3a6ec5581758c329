import { sourcesOf } from '../demo/sources.server.js'
import type { LayoutServerLoadEvent } from './$types.js'

export async function load({ route }: LayoutServerLoadEvent) {
	return {
		files: route.id ? await sourcesOf(route.id) : [],
		/** How many of them serve this site. */
		processes: Number(process.env.PROCESSES || 1)
	}
}
