import { toError } from '../errors.js'
import { isPromise } from './schema.js'
import { Sequence } from './sequence.js'
import type { Contract, EventFeed } from './types.js'

interface Reading {
	data: unknown
	isReady: boolean
	/** Who wants to know that it is. */
	again: (() => void)[]
}

/** Makes feeds of values out of the feeds of text of one connection: see `Contract.reader`. */
export function createReader(
	decode: Contract<unknown>['decode']
): ReturnType<Contract<unknown>['reader']> {
	const sequence = new Sequence()

	return <M>(name: string, feed: EventFeed<string, M>): EventFeed<unknown, M> => {
		/** The newest message, so that it is read once however many ask for it. */
		let newest: { message: M; reading: Reading } | undefined

		function read(text: string, message: M): Reading {
			if (newest?.message === message) return newest.reading
			const reading: Reading = { data: undefined, isReady: false, again: [] }
			newest = { message, reading }
			sequence.add(attempt(decode, name, text), (data) => {
				reading.data = data
				reading.isReady = true
				for (const again of reading.again.splice(0)) again()
			})
			return reading
		}

		return {
			...feed,
			open(receiver) {
				let isOpen = true
				const stop = feed.open({
					...receiver,
					event(text, message) {
						const reading = read(text, message)
						if (reading.isReady) return receiver.event(reading.data, message)
						const generation = feed.generation()
						reading.again.push(() => {
							// Meanwhile nobody may be listening any more, or another stream be on.
							if (isOpen && generation === feed.generation()) receiver.event(reading.data, message)
						})
					}
				})
				return () => {
					isOpen = false
					stop()
				}
			},
			last(again) {
				const last = feed.last()
				if (!last) return undefined
				const { isReady, data, again: waiting } = read(last.data, last.message)
				if (isReady) return { data, message: last.message }
				if (again) waiting.push(again)
				return undefined
			}
		}
	}
}

/** What cannot be read comes out as the error that says why, in its place among the others. */
function attempt(decode: Contract<unknown>['decode'], name: string, text: string): unknown {
	try {
		const value = decode(name, text)
		return isPromise(value) ? value.catch(toError) : value
	} catch (thrown) {
		return toError(thrown)
	}
}
