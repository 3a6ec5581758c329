import type { Hub } from '../../../src/lib/hub/index.js'

/** What a client has received on one stream of numbers. */
export interface Log {
	events: (number | 'gap')[]
	lastEventId: string | undefined
	/** The last word of a stream that has ended. */
	close: string | undefined
	/** Resolves when this holds, or the stream has ended. */
	until(holds: (log: Log) => boolean): Promise<void>
	cancel(): void
}

/** A client that reads one stream of a hub and remembers, as a browser would, where it is. */
export function readLog(hub: Hub, topic: string, lastEventId: string | undefined): Log {
	const headers: HeadersInit = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
	const request = new Request('http://localhost/', { method: 'POST', headers })
	const reader = hub.stream(topic, { request }).body!.getReader()
	const decoder = new TextDecoder()
	let rest = ''
	let wake = (): void => {}
	let isOver = false
	const log: Log = {
		events: [],
		lastEventId: undefined,
		close: undefined,
		async until(holds) {
			while (!holds(log) && !isOver) await new Promise<void>((resolve) => (wake = resolve))
		},
		cancel() {
			isOver = true
			void reader.cancel()
			wake()
		}
	}
	void (async () => {
		for (;;) {
			const { done, value } = await reader.read()
			if (done || isOver) break
			const frames = (rest + decoder.decode(value, { stream: true })).split('\n\n')
			rest = frames.pop()!
			for (const frame of frames) take(log, frame)
			wake()
		}
		isOver = true
		wake()
	})()
	return log
}

function take(log: Log, frame: string): void {
	if (frame.endsWith(' gap')) log.events.push('gap')
	log.close ??= /^: .*close (\w+)$/m.exec(frame)?.[1]
	const data = /^data: (.*)$/m.exec(frame)?.[1]
	if (data !== undefined) log.events.push(Number(data))
	const id = /^id: (.*)$/m.exec(frame)?.[1]
	if (id !== undefined) log.lastEventId = id
}
