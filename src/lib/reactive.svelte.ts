import { getAllContexts, tick, untrack } from 'svelte'
import { createSubscriber } from 'svelte/reactivity'
import { report } from './parts/report.js'

// All runes of the library. Where Svelte's compiler does not run (plain Node, some workers, servers that leave dependencies
// as they are), a rune is a name that does not exist; compiled for a server, effects do nothing. Everything here then works
// without reactivity.

const isReactive = /* @__PURE__ */ hasEffects()

function hasEffects(): boolean {
	let hasRun = false
	try {
		$effect.root(() => {
			hasRun = true
		})()
	} catch {
		// A rune that nobody has compiled.
	}
	return hasRun
}

/** Whether whatever is read now is tracked by an effect, a template or a `$derived`. */
export function isTracking(): boolean {
	return isReactive && $effect.tracking()
}

/**
 * Runs something once the effect, template or component that is running now is shown, and again when the state that it
 * reads changes; ends with it. In a fork, nothing runs before the fork is committed.
 *
 * @returns false, and nothing runs, if there is no such effect
 */
export function whileShown(run: () => void | (() => void)): boolean {
	if (!isReactive) return false
	try {
		$effect(run)
		return true
	} catch {
		return false
	}
}

/**
 * Holds something from when the running component or effect is shown until it is released: at once where there is none, and
 * on where it has ended.
 *
 * @param begin takes the hold, and returns its release
 * @param follow runs before, and again when the state that it reads changes; it pauses with the component
 */
export function holdOnceShown(
	begin: () => () => void,
	follow: (() => void) | undefined
): () => void {
	let end: (() => void) | undefined
	let isOver = false
	let isShown = false
	const isOwned = whileShown(() => {
		isShown = true
		if (isOver) return
		follow?.()
		end ??= untrack(() => begin())
		return () => {
			isShown = false
			queueMicrotask(() => {
				// The component is gone, and the hold is not.
				if (isShown || isOver) return
				const release = end
				end = holdNow(() => release!, follow)
			})
		}
	})
	if (!isOwned) end = holdNow(begin, follow)
	return () => {
		if (isOver) return
		isOver = true
		end?.()
	}
}

/** As `holdOnceShown`, but at once, whatever runs now. */
export function holdNow(begin: () => () => void, follow: (() => void) | undefined): () => void {
	const stop = follow && always(follow)
	const end = untrack(() => begin())
	return () => {
		stop?.()
		end()
	}
}

/** Runs something now, and again when the state that it reads changes, until it is stopped; no component pauses it. */
function always(run: () => void): () => void {
	if (isReactive) {
		try {
			let hasRun = false
			const stop = $effect.root(() => {
				$effect.pre(() => {
					hasRun = true
					run()
				})
			})
			if (hasRun) return stop
			stop()
		} catch {
			// Svelte makes no effect in the clean-up of another; once is better than not at all.
		}
	}
	untrack(run)
	return () => {}
}

/** A value that is computed from state, once for all who read it. */
export function derive<T>(compute: () => T): () => T {
	if (!isReactive) return compute
	return rooted(() => {
		const value = $derived.by(compute)
		return () => value
	})
}

/** Makes state that belongs to no effect: a template does not track the state that it makes itself. */
function rooted<T>(make: () => T): T {
	let made: T
	$effect.root(() => {
		made = make()
	})
	return made!
}

const noComponent = Symbol()

/** Tells who reads now, as far as its component goes, so that the same reader is known when it runs again. */
export function reader(): unknown {
	try {
		return getAllContexts()
	} catch {
		return noComponent
	}
}

/** Whether an effect, a template or a component runs now. */
export function isRunning(): boolean {
	// An effect may have untracked what it does, and belong to no component.
	return isTracking() || isInComponent() || whileShown(() => {})
}

/** Whether a component runs now. */
export function isInComponent(): boolean {
	return reader() !== noComponent
}

interface Signal {
	read(): void
	notify(): void
}

function signal(): Signal {
	if (!isReactive) return { read() {}, notify() {} }
	return rooted(() => {
		let version = $state.raw(0)
		return {
			read: () => void version,
			// Whoever holds a connection may do so while Svelte computes something, where state must not change, as it sees it.
			notify: () => untrack(() => void version++)
		}
	})
}

/**
 * A value that may change a thousand times between two looks at it, as reactive state.
 *
 * Its readers are told of the first change since one of them looked, and then of none until one has looked again: they
 * know already, and they will see the newest in any case. While nobody looks, a change costs an assignment.
 */
export class Cell<T> {
	/** The value, for those who need not be told of changes. */
	plain: T
	#isTold = true
	readonly #signal = signal()

	constructor(value: T) {
		this.plain = value
	}

	get value(): T {
		this.#isTold = false
		this.#signal.read()
		return this.plain
	}

	/** An object that is set again counts as changed, as in `svelte/store`: it may have been mutated. */
	set(value: T): void {
		const before = this.plain
		this.plain = value
		if (!this.#isTold && (!Object.is(value, before) || isObject(value))) this.touch()
	}

	/** Runs the readers again. */
	touch(): void {
		if (this.#isTold) return
		this.#isTold = true
		this.#signal.notify()
	}
}

function isObject(value: unknown): boolean {
	return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * Readers that Svelte gives no effect to hold on to: `$derived` outside of components. One that an effect reads runs again
 * when state changes; one that was only looked at does not, and must not hold anything.
 */
export class Unowned {
	readonly #begin: () => () => void
	readonly #probe = signal()
	/** What the deriveds of this round hold. */
	#held = new Set<() => void>()
	/** Whether the deriveds that run now do so because an effect reads them. */
	#isProbing = false
	#isDue = false

	/** @param begin returns the release */
	constructor(begin: () => () => void) {
		this.#begin = begin
	}

	/** Called by a derived as it reads. */
	track(): void {
		this.#probe.read()
		// Ends when the derived runs again, or when no effect reads it any more; never, if none ever did.
		createSubscriber(() => {
			const held = this.#held
			const release = this.#begin()
			held.add(release)
			return () => {
				held.delete(release)
				release()
				// Not for one that ran again in this round, once for each effect that reads it.
				if (held === this.#held && held.size > 0 && !this.#isProbing) this.#check()
			}
		})()
		if (!this.#isProbing) this.#check()
	}

	/** The value has changed: those who are read by an effect run again by themselves. */
	changed(): void {
		if (this.#held.size > 0 && !this.#isProbing && !this.#isDue) this.#round()
	}

	#check(): void {
		if (this.#isDue) return
		this.#isDue = true
		queueMicrotask(() => {
			this.#isDue = false
			this.#round()
			this.#probe.notify()
		})
	}

	/** Lets go of everything that does not run again with the next flush. */
	#round(): void {
		const before = this.#held
		this.#held = new Set()
		this.#isProbing = true
		tick()
			.catch(report)
			.finally(() => {
				this.#isProbing = false
				for (const release of before) release()
				before.clear()
			})
	}
}
