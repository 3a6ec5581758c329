import { Sessions } from '../../demo/sessions.server.js'

/** How many streams each visitor has open. */
export const streams = new Sessions(() => ({ open: 0 }))
