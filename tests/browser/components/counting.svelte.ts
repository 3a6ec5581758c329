/** What an effect has read so far; the status and the like must not make it run again. */
export function count<T>(read: () => T): { values: T[]; stop: () => void } {
	const values: T[] = []
	let runs = $state(0)
	const stop = $effect.root(() => {
		$effect(() => {
			values.push(read())
			runs = values.length
		})
	})
	return {
		get values() {
			return values.slice(0, runs)
		},
		stop
	}
}

/** An effect, and how often it has run. */
export function effect(deed: () => void | (() => void)): {
	readonly runs: number
	stop: () => void
} {
	let runs = 0
	const stop = $effect.root(() => {
		$effect(() => {
			runs++
			return deed()
		})
	})
	return {
		get runs() {
			return runs
		},
		stop
	}
}

/** State of one value. */
export function state<T>(initial: T): { value: T } {
	let value = $state.raw(initial)
	return {
		get value() {
			return value
		},
		set value(next) {
			value = next
		}
	}
}
