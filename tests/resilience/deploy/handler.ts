import { getRequest, setResponse } from '@sveltejs/kit/node'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection } from '../../../src/lib/produce/types.js'
import { decodeId } from '../../../src/lib/wire/headers.js'

// The endpoint of a deployed app. Its numbers follow from the time of day, so that every process, also the next one on
// this port, has the whole past.

const beginning = Number(process.env.BEGINNING)
const interval = Number(process.env.INTERVAL)

const streams = new Map<ProducerConnection, number>()

function latest(): number {
	return Math.floor((Date.now() - beginning) / interval)
}

function send(stream: ProducerConnection): void {
	const now = latest()
	let number = streams.get(stream)!
	// A clock that is set back stops it for a while.
	while (number < now) stream.emit('number', ++number, { id: String(number) })
	streams.set(stream, number)
}

setInterval(() => {
	for (const stream of streams.keys()) send(stream)
}, interval).unref()

/** More than the kernel takes for a client that does not read. */
const flood = 'x'.repeat(12_000_000)

function respond(request: Request): Response {
	if (request.url.endsWith('/flood')) return produce(({ emit }) => void emit('flood', flood))
	return produce(
		(stream) => {
			const seen = decodeId(request.headers.get('last-event-id'))
			streams.set(stream, Number(seen ?? latest() - 1))
			send(stream)
			return () => void streams.delete(stream)
		},
		{ request, resumed: true }
	)
}

/** What adapter-node calls. */
export async function handler(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
	const request = await getRequest({ request: incoming, base: 'http://localhost' })
	await setResponse(response, respond(request))
}
