import { clock } from '../clock.js'

/** If the promise takes longer than `ms`, rejects with what `late` makes; what the promise does later is ignored. */
export function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = clock.setTimeout(() => reject(late()), ms)
		promise.then(resolve, reject).finally(() => clock.clearTimeout(timer))
	})
}
