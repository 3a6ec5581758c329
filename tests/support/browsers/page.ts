/** Milliseconds that a browser has to start, to load a page and to find an element. */
export const patience = 90_000

/** What runs in the page: an expression, or a function that uses nothing from outside of it. */
export type Script<T> = string | (() => T | Promise<T>)

/** The few things that each engine has to do in its own way. */
export interface Tab {
	goto(url: string): Promise<void>
	/** The value of an expression, awaited in the page, as JSON can carry it. */
	evaluate(expression: string): Promise<unknown>
	click(selector: string): Promise<void>
	/** A picture of what is to be seen, as PNG; WebKit never gives one of a tab that is not its first. */
	screenshot(): Promise<Uint8Array>
	close(): Promise<void>
}

/** One tab of a real browser; the same for all engines. */
export class Page {
	#tab: Tab

	constructor(tab: Tab) {
		this.#tab = tab
	}

	/** Goes to an address and waits until the page has loaded. */
	goto(url: string): Promise<void> {
		return this.#tab.goto(url)
	}

	/** Runs something in the page; a promise is awaited there, its value comes back as JSON. */
	async evaluate<T>(script: Script<T>): Promise<Awaited<T>> {
		return (await this.#tab.evaluate(expression(script))) as Awaited<T>
	}

	/** The text of the first element that matches, without white space around it. */
	async text(selector: string): Promise<string> {
		const found = `document.querySelector(${JSON.stringify(selector)})`
		const text = (await this.#tab.evaluate(`${found}?.textContent ?? null`)) as string | null
		if (text === null) throw new Error(`Nothing in the page matches ${selector}.`)
		return text.trim()
	}

	/** Clicks the first element that matches, as a person would. */
	click(selector: string): Promise<void> {
		return this.#tab.click(selector)
	}

	/**
	 * Waits until something in the page is truthy, and gives it; a navigation in between does no harm.
	 * Rejects after `timeout` milliseconds with the last value or error.
	 */
	async waitFor<T>(script: Script<T>, timeout = 20_000): Promise<Awaited<T>> {
		const deadline = Date.now() + timeout
		let last: unknown
		for (;;) {
			try {
				const value = await this.evaluate(script)
				if (value) return value
				last = value
			} catch (error) {
				last = error
			}
			if (Date.now() > deadline) break
			await new Promise((resolve) => setTimeout(resolve, 50))
		}
		const found = last instanceof Error ? last.message : JSON.stringify(last)
		throw new Error(`Not within ${timeout} ms: ${script}. Last: ${found}`)
	}

	/** Waits until the text of the first element that matches is, or matches, this. */
	async waitForText(selector: string, text: string | RegExp, timeout?: number): Promise<string> {
		const read = `document.querySelector(${JSON.stringify(selector)})?.textContent.trim()`
		const test = typeof text === 'string' ? `=== ${JSON.stringify(text)}` : `?.match(${text})`
		await this.waitFor(`${read} ${test}`, timeout)
		return this.text(selector)
	}

	screenshot(): Promise<Uint8Array> {
		return this.#tab.screenshot()
	}

	close(): Promise<void> {
		return this.#tab.close()
	}
}

/** One running browser; its pages are tabs that share cookies and storage. */
export interface Browser {
	readonly engine: 'chromium' | 'firefox' | 'webkit'
	/** Opens a new tab at an address. */
	open(url: string): Promise<Page>
	/** Ends the browser and all its pages. */
	close(): Promise<void>
	[Symbol.asyncDispose](): Promise<void>
}

function expression(script: Script<unknown>): string {
	return typeof script === 'string' ? script : `(${script})()`
}
