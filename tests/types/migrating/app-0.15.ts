// What 0.15 changed in the types, in an app in strict TypeScript.

import { source, type EventListener, type Message, type Options } from 'sveltekit-sse'

const listener: EventListener = ({ id, name, data, isLocal, status, response, connect }) => {
	console.log(id, name, data, isLocal, status, response?.status)
	setTimeout(connect, 1_000)
}
const options: Options = {
	onopen: listener,
	onclose: async ({ connect }) => void (await connect()),
	onerror: ({ error }) => console.error(error?.message),
	onmessage: listener,
	signal: new AbortController().signal,
	method: 'PUT',
	body: 'x',
	headers: { authorization: 'Bearer' },
	openWhenHidden: false,
	cache: false
}
source('/orders', options).close()
source('/orders', { onclose: listener, onmessage: undefined }).close()

export const text = ({ id, event, data, retry }: Message): string => [id, event, data, retry].join()
