import { createSession } from 'better-sse'

/** @type {import('../types.js').Contestant} */
export default {
	async serve(incoming, response, visit) {
		const session = await createSession(incoming, response, { serializer: String })
		session.once('disconnected', visit.stopped)
		visit.opened({
			send({ texts }) {
				for (const text of texts) session.push(text, 'message')
			}
		})
	}
}
