import { DEV } from 'esm-env'
import { createParser } from 'eventsource-parser'
import { SseError } from '../errors.js'
import { parseControl, type Control } from '../wire/control.js'

/** Characters that one event may have; a stream that never ends an event must not eat the memory. */
const mostCharacters = 2 ** 28

export interface Sink {
	/** @param name that of the `event:` field; empty if there was none */
	event(name: string, data: string, id: string | undefined): void
	/** The id to resume from; empty: none any more. */
	id(id: string): void
	retry(delay: number): void
	control(control: Control): void
	/** Called before each piece of the body is parsed. */
	bytes(): void
	/** Called after each piece of the body was parsed. */
	parsed(): void
}

/**
 * Reads an event stream to its end.
 *
 * @returns when the body has ended, or the signal was aborted; rejects when it broke off or one event was too large.
 */
export async function decode(
	body: ReadableStream<Uint8Array>,
	sink: Sink,
	signal: AbortSignal
): Promise<void> {
	// [spec] 9.2.5: one leading U+FEFF BYTE ORDER MARK character is ignored. The parser does that, so the decoder must not.
	const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
	let tooLarge = false
	const parser = createParser({
		maxBufferSize: mostCharacters,
		onEvent: ({ event = '', data, id }) => sink.event(event, data, id),
		onId: (id) => sink.id(id),
		onRetry: (delay) => sink.retry(delay),
		onComment(comment) {
			const control = parseControl(comment)
			if (control) sink.control(control)
		},
		// Unknown fields and the like are ignored, as the standard wants it.
		onError: ({ type }) => (tooLarge ||= type === 'max-buffer-size-exceeded')
	})
	const reader = body.getReader()
	// The browser's own fetch breaks the body off by itself; one that the user passed in may not.
	const release = (): void => void reader.cancel().catch(() => {})
	signal.addEventListener('abort', release)
	while (!signal.aborted) {
		const { done, value } = await reader.read()
		// [spec] 9.2.6: any pending data at the end of the file must be discarded.
		if (done || signal.aborted) break
		sink.bytes()
		parser.feed(decoder.decode(value, { stream: true }))
		sink.parsed()
		if (tooLarge)
			throw new SseError(
				'too-large',
				DEV ? `one event has over ${mostCharacters} characters` : 'too-large'
			)
	}
	release()
}
