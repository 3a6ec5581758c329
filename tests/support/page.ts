import { settled } from './clock.js'

type Listeners = Map<string, Set<(event: Event) => void>>

const names = ['document', 'addEventListener', 'removeEventListener'] as const

/** As much of a browser's page as a link listens to, for tests in Node. */
export class Page {
	isHidden = false
	readonly #window: Listeners = new Map()
	readonly #document: Listeners = new Map()
	#before: Partial<Record<(typeof names)[number], PropertyDescriptor | undefined>> = {}

	install(): this {
		const document = { baseURI: 'http://app.test/page', ...methods(this.#document) }
		Object.defineProperty(document, 'hidden', { get: () => this.isHidden })
		const values = { document, ...methods(this.#window) }
		for (const name of names) {
			this.#before[name] = Object.getOwnPropertyDescriptor(globalThis, name)
			Object.defineProperty(globalThis, name, { value: values[name], configurable: true })
		}
		return this
	}

	uninstall(): void {
		for (const name of names) {
			const before = this.#before[name]
			if (before) Object.defineProperty(globalThis, name, before)
			else delete (globalThis as Record<string, unknown>)[name]
		}
	}

	/** How many handlers it has. */
	get listeners(): number {
		const sets = [...this.#window.values(), ...this.#document.values()]
		return sets.reduce((sum, { size }) => sum + size, 0)
	}

	async tell(type: 'offline' | 'online' | 'pagehide' | 'pageshow'): Promise<void> {
		this.#dispatch(this.#window, type)
		await settled()
	}

	async resume(): Promise<void> {
		this.#dispatch(this.#document, 'resume')
		await settled()
	}

	hide(): Promise<void> {
		return this.#turn(true)
	}

	show(): Promise<void> {
		return this.#turn(false)
	}

	async #turn(isHidden: boolean): Promise<void> {
		this.isHidden = isHidden
		this.#dispatch(this.#document, 'visibilitychange')
		await settled()
	}

	#dispatch(listeners: Listeners, type: string): void {
		for (const listener of [...(listeners.get(type) ?? [])]) listener(new Event(type))
	}
}

function methods(listeners: Listeners) {
	return {
		addEventListener(type: string, listener: (event: Event) => void) {
			const set = listeners.get(type) ?? new Set()
			listeners.set(type, set.add(listener))
		},
		removeEventListener(type: string, listener: (event: Event) => void) {
			listeners.get(type)?.delete(listener)
		}
	}
}
