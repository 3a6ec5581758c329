interface Sent {
	/** @default 'POST' */
	method?: 'POST' | 'PUT' | 'DELETE'
	headers: Record<string, string>
	/** What is sent as JSON; nothing if it is left out. */
	body?: unknown
}

/**
 * Makes a request of a page to an endpoint of its own. The type is given even where there is no body: SvelteKit takes a
 * request without a type for a form, and refuses forms while it does not know its origin.
 */
export function sendJson(url: string, { method = 'POST', headers, body }: Sent): Promise<Response> {
	return fetch(url, {
		method,
		headers: { ...headers, 'content-type': 'application/json' },
		body: body === undefined ? null : JSON.stringify(body)
	})
}
