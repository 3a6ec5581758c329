import type { Contract } from '../contract/types.js'
import type { LinkOptions } from '../link/types.js'
import type { Callback } from './options.js'
import type { From } from './url.js'

/** The options of `source()`, in one shape and with their defaults. */
export interface ConnectionConfig {
	from: From
	link: Omit<LinkOptions, 'url' | 'lastEventId'>
	events: Contract<unknown> | undefined
	share: boolean
	key: string | undefined
	urlChange: 'reset' | 'resume'
	linger: number
	signal: AbortSignal | undefined
	lastEventId: string | ((url: string) => string | undefined) | undefined
	initial: Values | ((url: string) => Values | undefined) | undefined
	on: Record<'open' | 'close' | 'error' | 'message', (Callback | undefined)[]>
	gap: (() => void) | undefined
}

/** Values by the names of their events. */
export interface Values {
	[name: string]: unknown
}
