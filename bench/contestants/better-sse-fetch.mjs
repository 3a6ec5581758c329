import { createResponse } from 'better-sse'
import { bridged } from './bridge.mjs'

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) =>
		createResponse(request, { serializer: String }, (session) => {
			session.once('disconnected', visit.stopped)
			visit.opened({
				send({ texts }) {
					for (const text of texts) session.push(text, 'message')
				}
			})
		})
	)
}
