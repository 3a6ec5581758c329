/** What was asked of the server, and answered, such as `POST /chat 200`. */
export const seen = {
	requests: {} as Record<string, number>,
	count({ method, url }: Request, { status }: Response) {
		const what = `${method} ${new URL(url).pathname} ${status}`
		this.requests[what] = (this.requests[what] ?? 0) + 1
	}
}
