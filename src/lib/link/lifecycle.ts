import { Listeners } from './listeners.js'

/** What a page tells its links, or a test: `close`. `document.hidden` says more about `visibilitychange`. */
export type PageEvent =
	'close' | 'offline' | 'online' | 'pagehide' | 'pageshow' | 'resume' | 'visibilitychange'

const windowEvents: PageEvent[] = ['offline', 'online', 'pagehide', 'pageshow']
const documentEvents: PageEvent[] = ['resume', 'visibilitychange']

const listeners = new Listeners<(event: PageEvent) => void>()

function tell(event: Event): void {
	listeners.each((listener) => listener(event.type as PageEvent))
}

/** Listens to the page, with one set of handlers for all links; where there is no page, nothing ever happens. */
export function watchPage(listener: (event: PageEvent) => void): () => void {
	if (listeners.size === 0) handle('addEventListener')
	const remove = listeners.add(listener)
	return () => {
		remove()
		if (listeners.size === 0) handle('removeEventListener')
	}
}

/** How many links are up, or will be by themselves. */
export function liveLinks(): number {
	return listeners.size
}

/** Closes all of them, whoever reads them. */
export function closeLinks(): void {
	listeners.each((listener) => listener('close'))
}

export function isHidden(): boolean {
	return !!globalThis.document?.hidden
}

function handle(method: 'addEventListener' | 'removeEventListener'): void {
	if (!globalThis.document) return
	for (const type of windowEvents) globalThis[method](type, tell)
	for (const type of documentEvents) document[method](type, tell)
}
