import { library } from '../build.mjs'
import { bridged } from './bridge.mjs'

/** @type {typeof import('sveltekit-sse')} */
const { produce } = await import(library('sveltekit-sse'))

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) =>
		produce(({ emit }) => {
			visit.opened({
				send({ texts }) {
					for (const text of texts) emit('message', text)
				}
			})
			return visit.stopped
		})
	)
}
