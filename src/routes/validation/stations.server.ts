import type { Emit, EventsOf } from 'sveltekit-sse'
import { Hub, memory } from 'sveltekit-sse/hub'
import { weather } from './weather.js'

const broker = memory()

/** The server of this page: it knows the contract. */
export const hub = new Hub({ name: 'weather', broker, events: weather })

/** One that the last deploy forgot: it writes to the same log, and checks nothing. */
export const forgotten = new Hub({ name: 'forgotten weather', broker })

/** How to reach the visitors that are here, by session. */
export const stations = new Map<string, Emit<EventsOf<typeof weather>>>()
