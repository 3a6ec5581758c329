import type { ProducerConnection } from 'sveltekit-sse'
import { Sessions } from '../../demo/sessions.server.js'

/** The stream that each visitor of the page has open. */
export const sessions = new Sessions<{ stream?: ProducerConnection }>(() => ({}))
