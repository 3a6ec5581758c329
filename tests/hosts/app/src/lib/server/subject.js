// What every host serves: streams, a hub, and what the producers were told.

import { createClient } from 'redis'
import { drain, produce } from 'sveltekit-sse'
import { Hub } from 'sveltekit-sse/hub'
import { redis } from 'sveltekit-sse/redis'

/** @type {Map<string, { emit: Function, close: Function }>} */
const streams = new Map()
/** @type {Map<string | null, string[]>} */
const stops = new Map()
const hub = await openHub()

/**
 * @param {Request} request
 * @returns {Promise<Response> | Response}
 */
export function respond(request) {
	const url = new URL(request.url)
	const action = /** @type {keyof typeof actions} */ (url.pathname.slice(1))
	const id = url.searchParams.get('id') ?? ''
	const options = JSON.parse(url.searchParams.get('options') ?? '{}')
	return actions[action](request, id, options)
}

/** @satisfies {Record<string, (request: Request, id: string, options: any) => Promise<Response> | Response>} */
const actions = {
	stream(request, id, { withRequest, flood = 0, ...options }) {
		const note = (/** @type {string} */ text) => stops.set(id, [...(stops.get(id) ?? []), text])
		return produce(
			(connection) => {
				streams.set(id, connection)
				if (flood) connection.emit('message', 'x'.repeat(flood))
				return (_, reason) => void note(`returned: ${reason}`)
			},
			{
				...options,
				request: withRequest ? request : undefined,
				stop: (_, reason) => void note(`option: ${reason}`)
			}
		)
	},

	hub: (request, _, options) => hub.stream('room', { ...options, request }),

	emit: (_, id, { text }) => outcome(streams.get(id).emit('message', text)),

	close(_, id) {
		streams.get(id).close()
		return Response.json({})
	},

	publish: async (_, __, { text }) => outcome(await hub.publish('room', 'message', text)),

	/** What the stop functions of a stream were told. */
	stops: (_, id) => Response.json(stops.get(id) ?? []),

	async drain() {
		await drain()
		return Response.json({})
	},

	/** The versions of what runs this. */
	versions: () => Response.json(process.versions)
}

/** @param {{ error: false | Error }} result */
function outcome({ error }) {
	return Response.json({ error: error && error.message })
}

/** On the Redis that REDIS_URL names, or in memory. */
async function openHub() {
	const url = process.env.REDIS_URL
	if (!url) return new Hub()
	const client = createClient({ url })
	client.on('error', console.error)
	await client.connect()
	const hub = new Hub({ broker: redis(client) })
	process.once('sveltekit:shutdown', async () => {
		await hub.close()
		await client.close()
	})
	return hub
}
