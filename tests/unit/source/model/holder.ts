import type { Handle } from './handle.js'
import { nameOf } from './network.js'

/** What a user can hold a connection with. */
export type Kind = (typeof kinds)[number]
export const kinds = ['on', 'subscribe', 'derived', 'loop', 'next', 'connect'] as const

/** One user of a handle. */
export class Holder {
	readonly kind: Kind
	/** The channel. */
	readonly name: string
	readonly key: string
	readonly #handle: Handle
	/** How many events the handle had heard before. */
	readonly #from: number
	readonly #got: number[] = []
	/** Whether it does not hold the connection any more. */
	hasLeft = false
	#stop: (() => unknown) | undefined

	constructor(handle: Handle, kind: Kind, name: string, key: string) {
		this.#handle = handle
		this.kind = kind
		this.name = name
		this.key = key
		this.#from = handle.heard.length
	}

	/** Whether it ends with the connection. */
	get isAwaiting(): boolean {
		return this.kind === 'loop' || this.kind === 'next'
	}

	start(): void {
		const { connection } = this.#handle
		const channel = connection.select(this.name)
		const take = (data: string): void => void this.#got.push(+data)
		if (this.kind === 'connect') this.#stop = connection.connect()
		else if (this.kind === 'on') this.#stop = channel.on(take)
		else if (this.kind === 'derived') this.#stop = this.#handle.derived(this.name).on(take)
		else if (this.kind === 'subscribe') this.#stop = channel.subscribe(take)
		else if (this.kind === 'next') {
			const controller = new AbortController()
			this.#stop = () => controller.abort()
			channel.next({ signal: controller.signal }).then(take, () => {})
		} else {
			const events = channel[Symbol.asyncIterator]()
			this.#stop = () => events.return!()
			void loop(events, take)
		}
	}

	stop(): void {
		void this.#stop?.()
	}

	/** It has every event since it came, once and in order. */
	check(): void {
		if (this.kind === 'connect') return
		const { heard, connection, claim } = this.#handle
		const got = this.#got
		const all = heard.slice(this.#from).filter((number) => nameOf(number) === this.name)
		const since = this.kind === 'next' ? all.slice(0, 1) : all
		if (this.kind === 'subscribe' && this.#handle.isInPlace) {
			const current = +connection.select(this.name).current
			claim(got.at(-1) === current, `a subscriber has ${got.at(-1)}, not ${current}`)
		}
		const isRight = this.kind === 'subscribe' ? isWithin(since, got) : `${got}` === `${since}`
		claim(isRight, `'${this.kind}' of '${this.name}' got ${got.join(' ')}, not ${since.join(' ')}`)
	}
}

/** Whether these stand in this order among the others. */
function isWithin(numbers: number[], others: number[]): boolean {
	let at = -1
	return numbers.every((number) => (at = others.indexOf(number, at + 1)) >= 0)
}

async function loop(events: AsyncIterable<string>, take: (data: string) => void): Promise<void> {
	try {
		for await (const data of events) take(data)
	} catch {
		// It ends as the connection does; what the error says is told by others.
	}
}
