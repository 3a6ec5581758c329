declare module '*.asvelte' {
	import type { Component } from 'svelte'
	import type { SseConnection } from '../../../src/lib/connection.svelte.js'

	const component: Component<{ connection: SseConnection }>
	export default component
}
