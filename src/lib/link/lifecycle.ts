import { clock } from '../clock.js'
import { Listeners } from '../parts/listeners.js'

/** What a page tells its links, or a test: `close`. `document.hidden` says more about `visibilitychange`. */
export type PageEvent =
	'close' | 'offline' | 'online' | 'pagehide' | 'pageshow' | 'resume' | 'visibilitychange'

const windowEvents: PageEvent[] = ['offline', 'online', 'pagehide', 'pageshow']
const documentEvents: PageEvent[] = ['resume', 'visibilitychange']

const listeners = /* @__PURE__ */ new Listeners<(event: PageEvent) => void>()

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

let hiddenAt: number | undefined

/**
 * Since when, by the clock, the page has been hidden, as far as it was asked; undefined: it can be seen. It is known until the
 * page is shown, whatever links there are.
 */
export function hiddenSince(): number | undefined {
	if (!isHidden()) return (hiddenAt = undefined)
	if (hiddenAt === undefined) {
		hiddenAt = clock.now()
		const shown = (): void => {
			if (isHidden()) return
			hiddenAt = undefined
			page.removeEventListener('visibilitychange', shown)
		}
		const page = document
		page.addEventListener('visibilitychange', shown)
	}
	return hiddenAt
}

export function isHidden(): boolean {
	return !!globalThis.document?.hidden
}

/** Whether the browser says that there is no network. Where it says nothing, there is one. */
export function isOffline(): boolean {
	return globalThis.navigator?.onLine === false
}

function handle(method: 'addEventListener' | 'removeEventListener'): void {
	if (!globalThis.document) return
	for (const type of windowEvents) globalThis[method](type, tell)
	for (const type of documentEvents) document[method](type, tell)
}
