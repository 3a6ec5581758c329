import { library } from '../build.mjs'
import { bridged } from './bridge.mjs'

const { produce } = await import(library('sveltekit-sse-0.14'))

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) =>
		produce((/** @type {any} */ { emit }) => {
			// Without an event the response's headers would not leave before the first ping, after 30 seconds.
			emit('hello', '')
			visit.opened({
				send({ texts }) {
					for (const text of texts) emit('message', text)
				}
			})
			return visit.stopped
		})
	)
}
