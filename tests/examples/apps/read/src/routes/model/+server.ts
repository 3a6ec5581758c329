/** The API of a model, as most are: events without names, and `[DONE]` at the end. */
export async function POST({ request }) {
	const { messages } = await request.json()
	const leaving = new AbortController()
	const words = model(messages[0].content, { signal: leaving.signal })[Symbol.asyncIterator]()
	const encoder = new TextEncoder()
	const body = new ReadableStream({
		async pull(controller) {
			const { value, done } = await words.next()
			const data = done ? '[DONE]' : JSON.stringify({ choices: [{ delta: { content: value } }] })
			controller.enqueue(encoder.encode(`data: ${data}\n\n`))
			if (done) controller.close()
		},
		cancel: () => leaving.abort()
	})
	return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
