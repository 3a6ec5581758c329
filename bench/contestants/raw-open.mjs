// What it takes to answer with an event stream by hand; the bytes that follow are ready.

/** @import { ServerResponse } from 'node:http' */
/** @import { Contestant, Stream } from '../types.js' */

/**
 * @param {(response: ServerResponse) => Stream} stream
 * @returns {Contestant['serve']}
 */
export function open(stream) {
	return (_incoming, response, visit) => {
		response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
		response.write(': hello\n\n')
		response.once('close', visit.stopped)
		visit.opened(stream(response))
	}
}
