import { toError } from '../errors.js'
import { isPromise } from './schema.js'
import { Sequence } from './sequence.js'

/** Returns the text, or a promise of it; throws as `encode` of a contract does. */
export type Write = (name: string, data: unknown) => string | Promise<string>

/** Makes a `write` that settles its promises in the order of the calls. */
export function createWriter(write: Write): Write {
	const sequence = new Sequence()
	return (name, data) => {
		const written = write(name, data)
		if (!isPromise(written) && sequence.isEmpty) return written
		return new Promise((resolve, reject) => {
			const settled = isPromise(written)
				? written.then(
						(text) => () => resolve(text),
						(error: unknown) => () => reject(toError(error))
					)
				: () => resolve(written)
			sequence.add<() => void>(settled, (settle) => settle())
		})
	}
}
