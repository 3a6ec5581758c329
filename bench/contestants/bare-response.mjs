import { bridged } from './bridge.mjs'

const encoder = new TextEncoder()

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) => {
		const body = new ReadableStream({
			start(controller) {
				controller.enqueue(encoder.encode(': hello\n\n'))
				visit.opened({
					send({ texts }) {
						for (const text of texts)
							controller.enqueue(encoder.encode(`event: message\ndata: ${text}\n\n`))
					}
				})
			},
			cancel: visit.stopped
		})
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	})
}
