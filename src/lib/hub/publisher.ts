import { internalsOf } from '../contract/internals.js'
import type { Contract } from '../contract/types.js'
import type { Write } from '../contract/writer.js'
import { SseError } from '../errors.js'
import { isLonger } from '../parts/bytes.js'
import { checkInTime } from './checking.js'
import { serialize } from '../produce/emitter.js'
import { encodeEvent } from '../wire/encode.js'

/**
 * Brings what is published to the broker, on each topic in the order of the calls, however long a schema takes for one of
 * them; another topic is not held up.
 */
export class Publisher {
	readonly #write: Write
	readonly #maxEvent: number
	/** By topic: resolves when the last one so far has been given to the broker. */
	readonly #turns = new Map<string, Promise<void>>()

	constructor(contract: Contract<unknown> | undefined, maxEvent: number) {
		this.#write = internalsOf(contract)?.write ?? serialize
		this.#maxEvent = maxEvent
	}

	/**
	 * @param append gives the text to the broker
	 * @throws {SseError} `validation`, `serialize` or `too-large`
	 */
	publish<T>(
		topic: string,
		name: string,
		data: unknown,
		append: (text: string) => Promise<T>
	): Promise<T> {
		const text = this.#write(name, data)
		return this.inTurn(topic, checkInTime(name, text, 'Nothing was sent.'), (text) => {
			if (this.#fits(name, text)) return append(text)
			throw new SseError(
				'too-large',
				`The event '${name}' has more than ${this.#maxEvent} bytes; send a reference to the data, or raise \`maxEvent\`.`
			)
		})
	}

	/** By the bytes that are sent: each line of the data costs six more than it has. */
	#fits(name: string, text: string): boolean {
		// Most texts are short enough whatever they hold.
		const isShort = 64 + 9 * (name.length + text.length) <= this.#maxEvent
		return isShort || !isLonger(encodeEvent(name, text), this.#maxEvent)
	}

	/** Appends a text behind what was published to the topic before. */
	async inTurn<T>(
		topic: string,
		text: string | Promise<string>,
		append: (text: string) => Promise<T>
	): Promise<T> {
		const before = this.#turns.get(topic)
		if (!before && typeof text === 'string') return append(text)
		let done = (): void => {}
		const turn = new Promise<void>((resolve) => (done = resolve))
		this.#turns.set(topic, turn)
		try {
			const [checked] = await Promise.allSettled([text, before])
			if (checked.status === 'rejected') throw checked.reason
			// Not awaited: the next one may go as soon as the broker has been called.
			return append(checked.value)
		} finally {
			done()
			if (this.#turns.get(topic) === turn) this.#turns.delete(topic)
		}
	}
}
