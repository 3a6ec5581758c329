import { json } from '@sveltejs/kit'
import { stats } from '../../demo/stats.server.js'

/** For whoever watches over the site. */
export function GET() {
	const { startedAt, pages, streams } = stats
	return json({ uptime: Math.round((Date.now() - startedAt) / 1_000), pages, streams })
}
