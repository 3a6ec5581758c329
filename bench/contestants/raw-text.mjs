import { open } from './raw-open.mjs'

/** @type {import('../types.js').Contestant} */
export default {
	serve: open((response) => ({
		send({ texts }) {
			let text = ''
			for (const data of texts) text += `event: message\ndata: ${data}\n\n`
			response.write(text)
		}
	}))
}
