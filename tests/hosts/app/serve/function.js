// Calls the function that an adapter built as its platform does: with a Request, for a Response.

import { getRequest, setResponse } from '@sveltejs/kit/node'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const exports = await import(pathToFileURL(resolve(process.argv[2])).href)
/** Vercel's is an object with `fetch`, Netlify's a function with a context. */
const respond = exports.default.fetch ?? exports.default
const context = { ip: '127.0.0.1' }

createServer(async (incoming, outgoing) => {
	const base = `http://${incoming.headers.host}`
	const request = await getRequest({ request: incoming, base })
	await setResponse(outgoing, await respond(request, context))
}).listen(process.env.PORT, () => console.log('Listening'))
