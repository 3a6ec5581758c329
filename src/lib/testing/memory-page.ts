import { flushPromises } from './flush-promises.js'
import { undoLater } from './restore.js'

/** Where the page is. */
export interface MemoryPageOptions {
	/** Its address, to which relative URLs are resolved; where there is a real page, that has its own. @default 'http://localhost/' */
	url?: string | undefined
}

/** What can happen to a page. Each call resolves when everything that follows from it has happened. */
export interface MemoryPage extends Disposable {
	/** Whether it is hidden, as `document.hidden` says. */
	readonly isHidden: boolean
	/** Whether the browser has a network, as `navigator.onLine` says. */
	readonly isOnline: boolean
	/** The browser loses the network, as far as it knows; requests go on until they fail. */
	offline(): Promise<void>
	/** The browser has a network again. */
	online(): Promise<void>
	/** The visitor turns to another tab. */
	hide(): Promise<void>
	/** The visitor turns to this tab. */
	show(): Promise<void>
	/** The visitor goes to another page; the browser may keep this one to come back to. */
	leave(): Promise<void>
	/** The visitor comes back to the page that was kept. */
	comeBack(): Promise<void>
	/** The browser goes on with a page in the background that it had frozen. */
	resume(): Promise<void>
	/** Takes the page away, or leaves a real one as it was. */
	restore(): void
}

/**
 * Plays what happens to a page: the network goes and comes, the visitor turns to another tab, leaves, and comes back. In
 * Node it puts a page there that can do this and nothing else; a real page, in a browser or jsdom, is told so.
 *
 * @example
 * ```ts
 * import { flushPromises, memoryPage, mockSource } from 'sveltekit-sse/testing'
 *
 * const page = memoryPage()
 * const orders = mockSource()
 * orders.connect()
 * await flushPromises()
 * await page.leave()
 * await page.comeBack()
 * console.log(orders.requests.length) // 2
 * ```
 */
export function memoryPage({ url = 'http://localhost/' }: MemoryPageOptions = {}): MemoryPage {
	let isHidden = false
	let isOnline = true
	const changes = new Changes()
	if (!globalThis.document) {
		const window = new EventTarget()
		const document = Object.assign(new EventTarget(), { baseURI: new URL(url).href })
		changes.set(globalThis, 'document', { value: document })
		for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const)
			changes.set(globalThis, name, { value: window[name].bind(window) })
	}
	if (!globalThis.navigator) changes.set(globalThis, 'navigator', { value: {} })
	changes.set(document, 'hidden', { get: () => isHidden })
	changes.set(document, 'visibilityState', { get: () => (isHidden ? 'hidden' : 'visible') })
	changes.set(navigator, 'onLine', { get: () => isOnline })
	const restore = undoLater(() => {
		// Nobody may take the next page for hidden.
		if (isHidden) void setHidden(false)
		changes.undo()
	})

	function tell(target: EventTarget, type: string, more: object = {}): Promise<void> {
		target.dispatchEvent(Object.assign(new Event(type), more))
		return flushPromises()
	}
	function setOnline(value: boolean): Promise<void> {
		isOnline = value
		return tell(globalThis, value ? 'online' : 'offline')
	}
	function setHidden(value: boolean): Promise<void> {
		isHidden = value
		return tell(document, 'visibilitychange')
	}
	return {
		get isHidden() {
			return isHidden
		},
		get isOnline() {
			return isOnline
		},
		offline: () => setOnline(false),
		online: () => setOnline(true),
		hide: () => setHidden(true),
		show: () => setHidden(false),
		leave: () => tell(globalThis, 'pagehide', { persisted: true }),
		comeBack: () => tell(globalThis, 'pageshow', { persisted: true }),
		resume: () => tell(document, 'resume'),
		restore,
		[Symbol.dispose]: restore
	}
}

/** Properties that were put in the place of others. */
class Changes {
	readonly #undo: (() => void)[] = []

	set(target: object, name: string, descriptor: PropertyDescriptor): void {
		const before = Object.getOwnPropertyDescriptor(target, name)
		Object.defineProperty(target, name, { ...descriptor, configurable: true })
		this.#undo.push(() => {
			if (before) Object.defineProperty(target, name, before)
			else Reflect.deleteProperty(target, name)
		})
	}

	undo(): void {
		for (const step of this.#undo.reverse()) step()
	}
}
