/** What a page tells its links. */
export interface PageListener {
	offline(): void
	online(): void
	hidden(): void
	visible(): void
	/** The page is left; it may come back from the back/forward cache. */
	away(): void
	back(): void
	/** The page, or the whole machine, slept. */
	woke(): void
}

const listeners = new Set<PageListener>()

const page: [
	target: 'window' | 'document',
	type: string,
	tell: (listener: PageListener) => void
][] = [
	['window', 'offline', (listener) => listener.offline()],
	['window', 'online', (listener) => listener.online()],
	['window', 'pagehide', (listener) => listener.away()],
	['window', 'pageshow', (listener) => listener.back()],
	['document', 'resume', (listener) => listener.woke()],
	[
		'document',
		'visibilitychange',
		(listener) => (document.hidden ? listener.hidden() : listener.visible())
	]
]

const handlers = page.map(([target, type, tell]) => ({
	target,
	type,
	handle: () => {
		for (const listener of [...listeners]) tell(listener)
	}
}))

/** Listens to the page, with one set of handlers for all links; where there is no page, nothing ever happens. */
export function watchPage(listener: PageListener): () => void {
	if (listeners.size === 0) each('addEventListener')
	listeners.add(listener)
	return () => {
		if (listeners.delete(listener) && listeners.size === 0) each('removeEventListener')
	}
}

export function isHidden(): boolean {
	return globalThis.document?.hidden ?? false
}

function each(method: 'addEventListener' | 'removeEventListener'): void {
	const { document } = globalThis
	if (!document) return
	for (const { target, type, handle } of handlers)
		(target === 'window' ? globalThis : document)[method](type, handle)
}
