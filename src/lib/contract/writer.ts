import { toError } from '../errors.js'
import { isPromise } from './schema.js'
import { Sequence } from './sequence.js'

type Write = (name: string, data: unknown) => string | Promise<string>

/** Keeps the order of the calls: see `Contract.writer`. */
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
