import { produce } from 'sveltekit-sse'
import { Hub } from 'sveltekit-sse/hub'

/** The ends of streams, as `[id, reason]`. */
const ends = []
/** @type {Map<string, import('sveltekit-sse').ProducerConnection>} */
const connections = new Map()
/** A hub in the wrong place: requests share nothing here. */
let misplaced

const read = ({ searchParams }) => ({
	id: searchParams.get('id'),
	options: JSON.parse(searchParams.get('options') ?? '{}')
})

/** Makes the stream that the query describes. */
function stream(request, url) {
	const { id, options } = read(url)
	const { flood = 0, ...rest } = options
	const start = (connection) => {
		connections.set(id, connection)
		if (!flood) return
		for (let i = 0; i < flood; i++) connection.emit('flood', 'x'.repeat(100_000))
		connection.close()
	}
	return produce(start, { ...rest, request, stop: (_, reason) => ends.push([id, reason]) })
}

const actions = {
	stream,
	/** Throws its stream away, as a handler does that answers something else. */
	dropped(request, url) {
		stream(request, url)
		return new Response('something else')
	},
	ends: () => Response.json(ends),
	buffered: (_, url) => Response.json(connections.get(read(url).id).buffered),
	runtime: () =>
		Response.json({
			navigator: typeof navigator,
			signals: globalThis.process?.listenerCount?.('SIGTERM') ?? 0
		}),
	async misplaced() {
		misplaced ??= new Hub()
		const { error } = await misplaced.publish('room', 'message', 'x')
		return Response.json(error && error.message)
	}
}

/** A hub lives where all requests meet. */
export class Room {
	#hub = new Hub({ presence: { grace: 200 } })
	#state

	/** @param {{ abort(): void }} state */
	constructor(state) {
		this.#state = state
	}

	/** @param {Request} request */
	fetch(request) {
		const url = new URL(request.url)
		const action = url.pathname.split('/').at(-1)
		if (action === 'hub') return this.#join(request, url)
		if (action === 'publish') return this.#publish(request)
		if (action === 'abort') return this.#abort()
		return actions[action](request, url)
	}

	#join(request, url) {
		const { id, options } = read(url)
		const member = { id: options.name }
		const stop = (_, reason) => ends.push([id, reason])
		return this.#hub.stream('room', { request, ping: options.ping, member, stop })
	}

	async #publish(request) {
		const { error } = await this.#hub.publish('room', 'message', await request.text())
		return Response.json({ error, connections: this.#hub.connections('room') })
	}

	/** Dies between an event and the microtask that sends it. */
	#abort() {
		produce(({ emit }) => {
			emit('last', 'words')
			this.#state.abort()
		})
		return new Response()
	}
}

export default {
	/** @param {Request} request */
	fetch(request, { ROOM }) {
		const url = new URL(request.url)
		const [, , place, action] = url.pathname.split('/')
		if (place === 'plain') return actions[action](request, url)
		return ROOM.get(ROOM.idFromName(place)).fetch(request)
	}
}
