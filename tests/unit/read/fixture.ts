import { afterEach, beforeEach, vi } from 'vitest'
import type { ReadEvent } from '../../../src/lib/read/index.js'
import { assertNothingOpen, restoreAll } from '../../../src/lib/testing/index.js'
import { flushPromises } from '../../../src/lib/testing/index.js'

/** Each test leaves nothing open, and no error that nobody has caught. */
export function leaveNothing(): void {
	const uncaught: unknown[] = []
	const note = (reason: unknown): void => void uncaught.push(reason)
	beforeEach(() => {
		vi.spyOn(Math, 'random').mockReturnValue(0.5)
		process.on('unhandledRejection', note)
	})
	afterEach(async () => {
		try {
			await assertNothingOpen()
			if (uncaught.length > 0) throw uncaught[0]
		} finally {
			process.off('unhandledRejection', note)
			uncaught.length = 0
			vi.restoreAllMocks()
			restoreAll()
		}
	})
}

/** Reads a loop to its end; how it ended stands at the end of the log. */
export class Log {
	/** `name:data` of each event, then `over`, or the code and the message of an error. */
	readonly lines: string[] = []
	readonly done: Promise<void>

	constructor(stream: AsyncIterable<ReadEvent>) {
		this.done = this.#read(stream)
	}

	async #read(stream: AsyncIterable<ReadEvent>): Promise<void> {
		try {
			for await (const { name, data, id } of stream)
				this.lines.push(`${name}:${data}${id === undefined ? '' : ` #${id}`}`)
			this.lines.push('over')
		} catch (thrown) {
			const { code, message } = thrown as Error & { code?: string }
			this.lines.push(`!${code ?? 'error'} ${message}`)
		}
	}
}

/** The log of a loop once everything has happened that needs no time. */
export async function linesOf(stream: AsyncIterable<ReadEvent>): Promise<string[]> {
	const log = new Log(stream)
	await flushPromises()
	await flushPromises()
	return log.lines
}

/** A response of a foreign server, which ends behind its text, or never. */
export function foreign(text: string, { ends = true } = {}): Response {
	const body = new ReadableStream({
		start(controller) {
			controller.enqueue(new TextEncoder().encode(text))
			if (ends) controller.close()
		}
	})
	return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
