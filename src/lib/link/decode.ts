import { DEV } from 'esm-env'
import { createParser } from 'eventsource-parser'
import { SseError } from '../errors.js'
import { parseControl, type Control } from '../wire/control.js'
import { giveWay } from '../parts/give-way.js'

/** Characters that one event may have; a stream that never ends an event must not eat the memory. */
const maxCharacters = 2 ** 28
/** Bytes that are parsed in one go. Whoever waits for their events has its turn before the next. */
const maxPieceBytes = 32_768

export interface Sink {
	/** @param name that of the `event:` field; empty if there was none */
	event(name: string, data: string, id: string | undefined): void
	/** The id to resume from; empty: none any more. */
	id(id: string): void
	retry(delay: number): void
	control(control: Control): void
	/** Called before each piece of the body is parsed. */
	bytes(): void
	/** Called after each piece of the body was parsed; nothing is read until its promise resolves. */
	parsed(): Promise<void> | void
}

/**
 * Reads an event stream to its end.
 *
 * @returns when the body has ended or the signal was aborted: whether that was between two events. Rejects when the body
 * broke off or one event was too large.
 */
export async function decode(
	body: ReadableStream<Uint8Array>,
	sink: Sink,
	signal: AbortSignal
): Promise<boolean> {
	// [spec] 9.2.5: one leading U+FEFF BYTE ORDER MARK character is ignored. The parser does that, so the decoder must not.
	const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
	let tooLarge = false
	let hasEnded = false
	let isBetween = true
	const parser = createParser({
		maxBufferSize: maxCharacters,
		onEvent({ event = '', data, id }) {
			if (hasEnded) isBetween &&= !event && !data
			else sink.event(event, data, id)
		},
		onId(id) {
			if (hasEnded) isBetween = false
			else sink.id(id)
		},
		onRetry: (delay) => hasEnded || sink.retry(delay),
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
	/** Bytes that were parsed since others had their turn. */
	let parsed = 0
	while (!signal.aborted) {
		const { done, value } = await reader.read()
		// [spec] 9.2.6: any pending data at the end of the file must be discarded.
		if (done || signal.aborted) break
		if (value.length === 0) continue
		isBetween = isLineEnd(value.at(-1))
		for (let from = 0; from < value.length && !signal.aborted; from += maxPieceBytes) {
			const piece =
				value.length > maxPieceBytes ? value.subarray(from, from + maxPieceBytes) : value
			if (parsed + piece.length > maxPieceBytes) {
				parsed = 0
				await giveWay()
				if (signal.aborted) break
			}
			parsed += piece.length
			sink.bytes()
			parser.feed(decoder.decode(piece, { stream: true }))
			if (tooLarge)
				throw new SseError(
					'too-large',
					DEV ? `one event has over ${maxCharacters} characters` : 'too-large'
				)
			const room = sink.parsed()
			if (room) await room
		}
	}
	release()
	// What is completed by this had been cut off: a line, or the fields of an event, its name alone included.
	hasEnded = true
	parser.feed(isBetween ? 'data\n\n' : '\n\n')
	return isBetween
}

function isLineEnd(byte: number | undefined): boolean {
	return byte === 10 || byte === 13
}
