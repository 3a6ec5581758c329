import { expect, onTestFinished } from 'vitest'
import type { Readable } from 'svelte/store'
import { source as sourceBefore } from 'sveltekit-sse-0.14'
import type { Source, SourceConfiguration } from '../../../src/lib/source/deprecated.js'
import { source as sourceNow } from '../../../src/lib/source/source.js'
import { Room } from '../room.js'

export { test } from '../fixture.js'

/** One of the two libraries, in a page of both, with a part of the server for itself. */
export interface Side {
	/** By the types of 0.14: code of 0.14 has to work with both. Its own can be read with a bundler's resolution only. */
	source: (from: string, configuration?: SourceConfiguration) => Source
	room: Room
	/** What happened, in the order in which it did. */
	log: unknown[]
}

/** The real 0.14.3 and this library. */
export function sides(): { before: Side; now: Side } {
	return {
		before: { source: sourceBefore, room: new Room(), log: [] },
		now: { source: sourceNow, room: new Room(), log: [] }
	}
}

/** Subscribes until the test is over; returns what unsubscribes before. */
export function follow<T>(store: Readable<T>, run: (value: T) => void = () => {}): () => void {
	const unsubscribe = store.subscribe(run)
	onTestFinished(unsubscribe)
	return unsubscribe
}

/** Resolves once so many things have happened, and gives them. */
export async function happened({ log }: Side, count: number): Promise<unknown[]> {
	await expect.poll(() => log.length).toBeGreaterThanOrEqual(count)
	return log
}
