import { highlight } from '../demo/highlight.server.js'
import { stats } from '../demo/stats.server.js'
import { countVisitors } from '../demo/visitors.server.js'

const install = 'npm i -D sveltekit-sse'

export async function load() {
	return {
		visitors: countVisitors(),
		streams: stats.streams,
		install: { code: install, html: await highlight(install, 'bash') }
	}
}
