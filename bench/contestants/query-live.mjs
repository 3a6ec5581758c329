import { setResponse, getRequest } from '@sveltejs/kit/node'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from '../build.mjs'

/** @import { Visit } from '../types.js' */

const output = join(app(), '.svelte-kit/output/server')
const { Server } = await import(pathToFileURL(join(output, 'index.js')).href)
const { manifest } = await import(pathToFileURL(join(output, 'manifest-full.js')).href)
const [hash] = Object.keys(manifest._.remotes)
const server = new Server(manifest)

/**
 * What `query.live` takes, one value at a time. The client is sent a value only when it differs from the one before.
 *
 * @param {Visit} visit
 */
async function* eventsOf(visit) {
	/** @type {string[]} */
	let waiting = []
	let wake = () => {}
	let taken = () => {}
	visit.opened({
		send({ texts }) {
			waiting.push(...texts)
			wake()
			return new Promise((resolve) => (taken = () => resolve(undefined)))
		}
	})
	let odd = ''
	try {
		yield 'hello'
		while (true) {
			const events = waiting
			waiting = []
			for (const text of events) yield text + (odd = odd === '' ? ' ' : '')
			taken()
			if (waiting.length === 0) await new Promise((resolve) => (wake = () => resolve(undefined)))
		}
	} finally {
		visit.stopped()
	}
}

/** @type {import('../types.js').Contestant} */
export default {
	async serve(incoming, response, visit) {
		incoming.url = `/_app/remote/${hash}/live?payload=`
		const request = await getRequest({ request: incoming, base: 'http://127.0.0.1' })
		await setResponse(
			response,
			await server.respond(request, {
				getClientAddress: () => '127.0.0.1',
				platform: { events: () => eventsOf(visit) }
			})
		)
	},
	prepare: () => server.init({ env: {} })
}
