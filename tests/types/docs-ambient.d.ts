// What the examples of the documents take for granted: an app around them.

declare module '$lib/server/hub' {
	export const hub: import('sveltekit-sse/hub').Hub
}
declare module '*.svelte' {
	const component: import('svelte').Component<Record<string, unknown>>
	export default component
}
declare module '$lib/feed' {
	export const feed: import('sveltekit-sse').Contract<{ order: Order }>
}
declare module '$lib/orders.remote' {
	export const orders: () => { readonly current: { id: number }[] | undefined }
}
declare module '$app/environment' {
	export const building: boolean
}
declare module '$env/dynamic/private' {
	export const env: Record<string, string | undefined>
}
declare module '$env/static/private' {
	export const WEBHOOK_SECRET: string
}
declare module '$app/server' {
	export function getRequestEvent(): { request: Request }
	export const query: {
		live<T>(run: () => AsyncGenerator<T>): () => { readonly current: T | undefined }
	}
}

declare const hub: import('sveltekit-sse/hub').Hub
declare const client: import('pg').PoolClient
declare const pool: import('pg').Pool
declare const signal: AbortSignal
declare const id: string
declare const question: string
declare const request: Request
declare const user: { id: string; name: string }
declare const order: { id: number }
declare function loadOrders(): Promise<{ id: number }[]>
declare function rowsAfter(
	id: string | undefined,
	signal: AbortSignal
): AsyncIterable<{ id: number }>
declare function mayRead(user: { id: string }, room: string): Promise<boolean>
declare function index(data: unknown): Promise<void>
declare function model(question: string): AsyncIterable<string>

declare const emit: import('sveltekit-sse').Emit
declare const source: typeof import('sveltekit-sse').source
declare const subject: import('sveltekit-sse/testing').BrokerUnderTest
interface Order {
	id: string
	total: number
}
