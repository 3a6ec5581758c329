import { open } from './raw-open.mjs'

/** @type {import('../types.js').Contestant} */
export default {
	serve: open((response) => ({ send: ({ whole }) => void response.write(whole) }))
}
