/** A `fetch` that watches what is made of it: how many requests are under way, and which bodies are read. */
export class Wire {
	/** Requests that were neither refused by the network nor aborted. */
	inFlight = 0
	/** Bodies that have neither ended nor been cancelled. */
	bodies = 0
	requests = 0
	/** When the latest bytes came. */
	heardAt = 0
	/** What the requests said that they had seen last. */
	lastEventId: string | null = null
	readonly #violated: (what: string) => void

	constructor(violated: (what: string) => void) {
		this.#violated = violated
	}

	readonly fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
		this.requests++
		if (++this.inFlight > 1) this.#violated(`${this.inFlight} requests at a time`)
		this.lastEventId = new Headers(init?.headers).get('last-event-id')
		let isOver = false
		const over = () => {
			if (!isOver) this.inFlight--
			isOver = true
		}
		init!.signal!.addEventListener('abort', over)
		try {
			const response = await fetch(url, init)
			this.heardAt = performance.now()
			return this.#watch(response)
		} catch (thrown) {
			over()
			throw thrown
		}
	}

	#watch(response: Response): Response {
		if (!response.body) return response
		const reader = response.body.getReader()
		this.bodies++
		let isOver = false
		const over = () => {
			if (!isOver) this.bodies--
			isOver = true
		}
		const body = new ReadableStream<Uint8Array>(
			{
				pull: async (controller) => {
					try {
						const { done, value } = await reader.read()
						this.heardAt = performance.now()
						if (!done) return controller.enqueue(value)
						over()
						controller.close()
					} catch (thrown) {
						over()
						controller.error(thrown)
					}
				},
				cancel: (reason) => {
					over()
					return reader.cancel(reason)
				}
			},
			{ highWaterMark: 0 }
		)
		return new Response(body, response)
	}
}
