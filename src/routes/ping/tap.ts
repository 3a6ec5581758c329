/** A `fetch` that shows the text of each response's body to someone before the library gets it. */
export function tap(see: (text: string) => void): typeof fetch {
	return async function fetchAndTell(input, init) {
		const response = await fetch(input, init)
		const decoder = new TextDecoder()
		const body = response.body?.pipeThrough(
			new TransformStream<Uint8Array, Uint8Array>({
				transform(chunk, controller) {
					see(decoder.decode(chunk, { stream: true }))
					controller.enqueue(chunk)
				}
			})
		)
		return new Response(body, response)
	}
}
