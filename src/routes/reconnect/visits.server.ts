import { Sessions } from '../../demo/sessions.server.js'

/** How often each visitor has connected. */
export const visits = new Sessions(() => ({ connections: 0 }))
