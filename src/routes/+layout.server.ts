import { sourcesOf } from '../demo/sources.server.js'

export async function load({ route }) {
	return { files: route.id ? await sourcesOf(route.id) : [] }
}
