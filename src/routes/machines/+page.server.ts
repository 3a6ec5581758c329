import { site } from './hub.server.js'

export function load() {
	return { count: site.count, engine: site.engine, session: crypto.randomUUID() }
}
