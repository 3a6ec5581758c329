import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { bridged } from './bridge.mjs'

/** @import { Visit } from '../types.js' */

const app = new Hono()
app.get('/', (context) =>
	streamSSE(context, async (stream) => {
		const { visit } = /** @type {{ visit: Visit }} */ (context.env)
		await stream.write(': hello\n\n')
		visit.opened({
			// Its documentation awaits every event.
			async send({ texts }) {
				for (const data of texts) await stream.writeSSE({ event: 'message', data })
			}
		})
		await new Promise((resolve) => stream.onAbort(() => resolve(undefined)))
		visit.stopped()
	})
)

/** @type {import('../types.js').Contestant} */
export default {
	serve: bridged((request, visit) => app.fetch(request, { visit }))
}
