import { library } from '../build.mjs'
import { bridged } from './bridge.mjs'

/** @type {typeof import('sveltekit-sse/hub')} */
const { Hub } = await import(library('hub'))
const hub = new Hub()

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) =>
		hub.stream('all', {
			request,
			start() {
				visit.opened({ send: () => {} })
				return visit.stopped
			}
		})
	),
	broadcast(_streams, { texts }) {
		for (const text of texts) void hub.publish('all', 'message', text)
	}
}
