import type { SseConnection } from '../../../src/lib/connection.svelte.js'
import type { PresenceEvent } from '../../../src/lib/hub/index.js'
import { source } from '../../../src/lib/source/source.js'

/** One visitor of the chat: what it was told, in the order in which it was. */
export class Client {
	readonly id: string = crypto.randomUUID()
	/** `<cursor> <text>` of each event; `gap` where events may be missing. */
	readonly seen: string[] = []
	/** How often its connection was there. */
	opened = 0
	hasLeft = false
	readonly #connection: SseConnection
	readonly #watchers = new Set<() => void>()
	readonly #stops: (() => void)[] = []
	/** Who is in the room, as it was told last. */
	#presence: string | undefined

	constructor(url: string) {
		this.#connection = source(`${url}/chat/events?room=lobby`, {
			headers: { 'session-id': this.id, visitor: 'visitor' },
			cache: false,
			reconnect: { max: 1_000 },
			open: () => {
				this.opened++
				this.#wake()
			},
			gap: () => this.#note('gap')
		})
		this.#stops.push(
			this.#connection.select('said').on((said, { id }) => {
				this.#note(`${id} ${(JSON.parse(said) as { text: string }).text}`)
			}),
			this.#connection.select('presence').on((presence) => {
				this.#presence = presence
				this.#wake()
			})
		)
	}

	/** Waits until this holds; looked at whenever something came. */
	until(holds: (client: this) => boolean, what: string, timeout = 60_000): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>()
		const look = () => {
			if (holds(this)) resolve()
		}
		const timer = setTimeout(() => {
			const { status, error, lastEventId } = this.#connection
			const last = this.seen.at(-1)
			const stand = JSON.stringify({ status, error: error?.message, lastEventId, last })
			reject(new Error(`Not within ${timeout} ms: ${what}. It has ${stand}.`))
		}, timeout)
		this.#watchers.add(look)
		look()
		return promise.finally(() => {
			clearTimeout(timer)
			this.#watchers.delete(look)
		})
	}

	/** Has its place in the log: from now on nothing may be missed. */
	placed(): Promise<void> {
		// What is told right after the place is.
		return this.until(() => this.#presence !== undefined, 'a place in the log')
	}

	/** Waits until those who are present, as this client is told, are exactly these. */
	async present(ids: string[]): Promise<void> {
		const wanted = ids.toSorted().join()
		await this.until(() => this.#members().join() === wanted, `${ids.length} are present`).catch(
			(cause: unknown) => {
				const members = this.#members()
				const extra = members.filter((id) => !ids.includes(id)).length
				const counts = `${members.length} are, ${extra} of whom should not be`
				throw new Error(`Presence has not settled: ${counts}.`, { cause })
			}
		)
	}

	leave(): void {
		this.hasLeft = true
		for (const stop of this.#stops) stop()
		this.#connection.close()
	}

	#members(): string[] {
		const { members } = JSON.parse(this.#presence ?? '{"members":[]}') as PresenceEvent
		return members.map(({ id }) => id).sort()
	}

	#note(line: string): void {
		this.seen.push(line)
		this.#wake()
	}

	#wake(): void {
		for (const look of this.#watchers) look()
	}
}
