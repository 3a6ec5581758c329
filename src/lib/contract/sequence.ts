import { report } from '../parts/report.js'
import { isPromise } from './schema.js'

interface Step {
	isReady: boolean
	run: () => void
}

/** Hands results on in the order in which they were asked for, however long each takes. */
export class Sequence {
	readonly #waiting: Step[] = []

	get isEmpty(): boolean {
		return this.#waiting.length === 0
	}

	/** @param result must not reject. */
	add<T>(result: T | Promise<T>, run: (value: T) => void): void {
		if (isPromise(result)) {
			const step: Step = { isReady: false, run: () => {} }
			this.#waiting.push(step)
			void result.then((value) => {
				step.run = () => run(value)
				step.isReady = true
				this.#flush()
			})
		} else if (this.isEmpty) run(result)
		else this.#waiting.push({ isReady: true, run: () => run(result) })
	}

	/** Drops what has not been handed on. */
	clear(): void {
		this.#waiting.length = 0
	}

	#flush(): void {
		// Shifted before it runs: what it runs may add to the sequence.
		while (this.#waiting[0]?.isReady) {
			try {
				this.#waiting.shift()!.run()
			} catch (thrown) {
				report(thrown)
			}
		}
	}
}
