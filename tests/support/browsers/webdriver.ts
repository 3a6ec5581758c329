/** The name under which WebDriver hands out an element. */
const elementKey = 'element-6066-11e4-a52e-4f735466cecf'

const patience = 120_000

/** As much of a WebDriver client as our pages need: https://www.w3.org/TR/webdriver2/ */
export class WebDriver {
	#base: string
	#session = ''
	#first = ''
	#last: Promise<unknown> = Promise.resolve()

	constructor(port: number) {
		this.#base = `http://127.0.0.1:${port}/session`
	}

	async start(capabilities: Record<string, unknown>): Promise<void> {
		const value = await this.#send('POST', '', { capabilities: { alwaysMatch: capabilities } })
		this.#session = `/${(value as { sessionId: string }).sessionId}`
		await this.#send('POST', '/timeouts', { script: patience / 2, pageLoad: patience / 2 })
		this.#first = (await this.#send('GET', '/window')) as string
	}

	async stop(): Promise<void> {
		await this.#send('DELETE', '')
	}

	/** The window that a new session has already opened; it has to stay. */
	get firstWindow(): string {
		return this.#first
	}

	newWindow(): Promise<string> {
		// A window is opened from another one that is there.
		return this.#inWindow(this.#first, async () => {
			const value = await this.#send('POST', '/window/new', { type: 'tab' })
			return (value as { handle: string }).handle
		})
	}

	goto(window: string, url: string): Promise<void> {
		return this.#inWindow(window, async () => void (await this.#send('POST', '/url', { url })))
	}

	evaluate(window: string, expression: string): Promise<unknown> {
		const script = `
			const done = arguments[0]
			new Promise((resolve) => resolve(${expression})).then(
				(value) => done({ value }),
				(error) => done({ error: String(error) })
			)`
		return this.#inWindow(window, async () => {
			const answer = await this.#send('POST', '/execute/async', { script, args: [] })
			const { value, error } = answer as { value?: unknown; error?: string }
			if (error !== undefined) throw new Error(error)
			return value
		})
	}

	click(window: string, selector: string): Promise<void> {
		return this.#inWindow(window, async () => {
			const query = { using: 'css selector', value: selector }
			const element = (await this.#send('POST', '/element', query)) as Record<string, string>
			await this.#send('POST', `/element/${element[elementKey]}/click`, {})
		})
	}

	screenshot(window: string): Promise<Uint8Array> {
		return this.#inWindow(window, async () => {
			return Buffer.from((await this.#send('GET', '/screenshot')) as string, 'base64')
		})
	}

	closeWindow(window: string): Promise<void> {
		return this.#inWindow(window, async () => void (await this.#send('DELETE', '/window')))
	}

	#inWindow<T>(handle: string, run: () => Promise<T>): Promise<T> {
		return this.#inTurn(async () => {
			await this.#send('POST', '/window', { handle })
			return run()
		})
	}

	/** A session has one current window: what is done in one must not come between two steps in another. */
	#inTurn<T>(run: () => Promise<T>): Promise<T> {
		const turn = this.#last.then(run)
		this.#last = turn.catch(() => {})
		return turn
	}

	async #send(method: string, path: string, body?: unknown): Promise<unknown> {
		const response = await fetch(this.#base + this.#session + path, {
			method,
			// A driver that hangs must not block all windows for good.
			signal: AbortSignal.timeout(patience),
			...(body === undefined ? {} : { body: JSON.stringify(body) })
		})
		const { value } = (await response.json()) as { value: unknown }
		if (response.ok) return value
		const { error, message } = value as { error: string; message: string }
		throw new Error(`WebDriver ${method} ${path}: ${error}: ${message}`)
	}
}
