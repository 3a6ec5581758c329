import { bridged } from './bridge.mjs'

const encoder = new TextEncoder()

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) => {
		/** @type {(bytes: Uint8Array) => void} */
		let wake = () => {}
		async function* events() {
			try {
				yield encoder.encode(': hello\n\n')
				while (true) yield await new Promise((resolve) => (wake = resolve))
			} finally {
				visit.stopped()
			}
		}
		visit.opened({
			send({ texts }) {
				for (const text of texts) wake(encoder.encode(`event: message\ndata: ${text}\n\n`))
			}
		})
		// In Node a response takes an iterable; the types are those of browsers, which do not.
		const body = /** @type {BodyInit} */ (/** @type {unknown} */ (events()))
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	})
}
