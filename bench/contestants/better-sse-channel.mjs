import { createChannel, createResponse } from 'better-sse'
import { bridged } from './bridge.mjs'

const channel = createChannel()

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) =>
		createResponse(request, { serializer: String }, (session) => {
			session.once('disconnected', visit.stopped)
			channel.register(session)
			visit.opened({ send: () => {} })
		})
	),
	broadcast(_streams, { texts }) {
		for (const text of texts) channel.broadcast(text, 'message')
	}
}
