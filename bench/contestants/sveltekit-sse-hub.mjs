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
	async remember({ texts }) {
		const cursor = await hub.cursor()
		for (const text of texts) await hub.publish('all', 'message', text)
		return cursor
	},
	broadcast(_streams, { texts }) {
		for (const text of texts) void hub.publish('all', 'message', text)
	}
}
