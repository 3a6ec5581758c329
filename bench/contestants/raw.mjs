import { open } from './raw-open.mjs'

/** @type {import('../types.js').Contestant} */
export default {
	serve: open((response) => ({
		send({ frames }) {
			for (const frame of frames) response.write(frame)
		}
	}))
}
