// Taken when the module is loaded: tests put fake timers in place of the real ones.
const { setImmediate, MessageChannel } = globalThis as {
	setImmediate?: (run: () => void) => void
	MessageChannel?: typeof globalThis.MessageChannel
}

/** Lets everything run that is due. A message, since timers of nested calls and hidden pages are held back. */
export function giveWay(): Promise<void> {
	return new Promise((resolve) => {
		if (setImmediate) return void setImmediate(resolve)
		if (!MessageChannel) return void setTimeout(resolve)
		const { port1, port2 } = new MessageChannel()
		port1.onmessage = () => {
			port1.close()
			resolve()
		}
		port2.postMessage(undefined)
	})
}
