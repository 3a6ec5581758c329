// What the examples of the doc comments take for granted: an app around them.

declare const emit: import('sveltekit-sse').Emit
declare const hub: import('sveltekit-sse/hub').Hub
declare const signal: AbortSignal
declare const source: typeof import('sveltekit-sse').source
declare const subject: import('sveltekit-sse/testing').BrokerUnderTest

interface Order {
	id: string
	total: number
}
