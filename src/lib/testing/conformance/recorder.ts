import type {
	Broker,
	Cursor,
	Gap,
	LogEntry,
	Tail,
	TailListener,
	TailStart
} from '../../hub/broker.js'

/** How long a case waits for something that must come. */
export const patience = 20_000

/** Fails a case. */
export function expect(holds: unknown, claim: string, seen?: unknown): asserts holds {
	if (holds) return
	throw new Error(seen === undefined ? claim : `${claim}; seen: ${show(seen)}`)
}

export function expectEqual(seen: unknown, expected: unknown, claim: string): void {
	const [one, other] = [show(seen), show(expected)]
	if (one === other) return
	// The first difference, since thousands of entries do not fit in a message.
	let at = 0
	while (one[at] === other[at]) at++
	const cut = (text: string) => text.slice(Math.max(0, at - 80), at + 120)
	throw new Error(`${claim}\n\texpected …${cut(other)}\n\tseen     …${cut(one)}`)
}

export async function expectRejection(
	promise: Promise<unknown>,
	codes: readonly string[],
	within = patience
): Promise<void> {
	const outcome = await before(
		promise.then(
			(value) => ({ value }),
			(error: unknown) => ({ error })
		),
		within,
		`rejected with ${codes.join(' or ')}`
	)
	expect('error' in outcome, `must reject with ${codes.join(' or ')}`, outcome)
	const { error } = outcome as { error: { code?: unknown } }
	expect(codes.includes(String(error?.code)), `must have the code ${codes.join(' or ')}`, error)
}

/** The promise's value, or an error that says what did not come in time. */
export async function before<T>(promise: Promise<T>, within: number, what: string): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${within} ms: ${what}`)), within)
	})
	try {
		return await Promise.race([promise, late])
	} finally {
		clearTimeout(timer)
	}
}

/** Tries until it holds. Only for what an engine does by itself and announces to nobody, such as trimming. */
export async function eventually(holds: () => Promise<boolean>, what: string): Promise<void> {
	const deadline = Date.now() + patience
	while (!(await holds())) {
		expect(Date.now() < deadline, `not within ${patience} ms: ${what}`)
		await new Promise((resolve) => setTimeout(resolve, 20))
	}
}

/** Follows a log and writes down every call that it gets. */
export class Recorder implements TailListener {
	readonly calls: string[] = []
	readonly seen: LogEntry[] = []
	readonly gaps: Gap[] = []
	readonly lives: Cursor[] = []
	readonly signals: string[] = []
	readonly tail: Tail
	/** Called inside of each call, to misbehave. */
	meddle: ((call: string) => void) | undefined
	#watchers = new Set<() => void>()
	#inside = false

	constructor(broker: Broker, start: TailStart = 'now') {
		this.#inside = true
		this.tail = broker.tail(start, this)
		this.#inside = false
	}

	get data(): string[] {
		return this.seen.map(({ data }) => data)
	}

	entries(entries: readonly LogEntry[]): void {
		this.seen.push(...entries)
		this.#called('entries')
	}

	gap(gap: Gap): void {
		this.gaps.push(gap)
		this.#called('gap')
	}

	live(cursor: Cursor): void {
		this.lives.push(cursor)
		this.#called('live')
	}

	signal(text: string): void {
		this.signals.push(text)
		this.#called('signal')
	}

	/** Runs something during which no call may be made. */
	during<T>(run: () => T): T {
		this.#inside = true
		try {
			return run()
		} finally {
			this.#inside = false
		}
	}

	async until(holds: () => boolean, what: string): Promise<void> {
		if (holds()) return
		let watcher = () => {}
		const held = new Promise<void>((resolve) => {
			watcher = () => holds() && resolve()
		})
		this.#watchers.add(watcher)
		try {
			await before(held, patience, what)
		} catch (error) {
			const { calls, gaps, lives } = this
			const last = { calls: calls.slice(-20), seen: this.data.slice(-5), gaps, lives: lives.length }
			throw new Error(`${(error as Error).message}; the tail has ${show(last)}`, { cause: error })
		} finally {
			this.#watchers.delete(watcher)
		}
	}

	untilLive(times = 1): Promise<void> {
		return this.until(() => this.lives.length >= times, `live, ${times} times`)
	}

	untilSeen(count: number): Promise<void> {
		return this.until(() => this.seen.length >= count, `${count} entries`)
	}

	#called(call: string): void {
		if (this.#inside) call += ' (re-entrant)'
		this.calls.push(call)
		for (const watcher of this.#watchers) watcher()
		this.meddle?.(call)
	}
}

function show(value: unknown): string {
	if (value instanceof Error) return `${value.name}: ${value.message}`
	return JSON.stringify(value, (_, inner: unknown) => inner ?? null) ?? String(value)
}
