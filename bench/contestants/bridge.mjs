// SvelteKit's own bridge between node:http and Request/Response: what stands in front of a +server.ts under
// adapter-node.

import { getRequest, setResponse } from '@sveltejs/kit/node'

/** @import { Contestant, Visit } from '../types.js' */

/**
 * @param {(request: Request, visit: Visit) => Response | Promise<Response>} respond
 * @returns {Contestant['serve']}
 */
export function bridged(respond) {
	return async (incoming, response, visit) => {
		const request = await getRequest({ request: incoming, base: 'http://127.0.0.1' })
		await setResponse(response, await respond(request, visit))
	}
}
