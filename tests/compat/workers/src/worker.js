import { produce } from 'sveltekit-sse'
import { Hub } from 'sveltekit-sse/hub'

/** @type {string[]} why streams have ended */
const ends = []

/** @param {unknown} _ @param {string} reason */
function stop(_, reason) {
	ends.push(reason)
}

/** @param {Request} request */
function count(request) {
	const start = ({ emit }) => {
		let count = 0
		const timer = setInterval(() => emit('message', String(++count)), 50)
		return (_, reason) => {
			clearInterval(timer)
			stop(_, reason)
		}
	}
	return produce(start, { request })
}

/** A hub lives where all requests meet. */
export class Room {
	#hub = new Hub()

	/** @param {Request} request */
	async fetch(request) {
		if (request.method === 'GET') return this.#hub.stream('room', { request, stop })
		const { error } = await this.#hub.publish('room', 'message', await request.json())
		return Response.json({ error, connections: this.#hub.connections('room') })
	}
}

export default {
	/** @param {Request} request */
	fetch(request, { ROOM }) {
		const { pathname } = new URL(request.url)
		if (pathname === '/count') return count(request)
		if (pathname === '/room') return ROOM.get(ROOM.idFromName('one')).fetch(request)
		return Response.json(ends)
	}
}
