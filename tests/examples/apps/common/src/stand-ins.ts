// What the examples of the documents take for granted: functions of the reader's own app.

export interface Order {
	id: number
}

export interface Session {
	balance: string
	expiresAt: number
}

export const orders: Order[] = [{ id: 1 }]
export const indexed: unknown[] = []

/** The language model. Tests say how it behaves, and see how often it was asked. */
export const languageModel = {
	asked: 0,
	/** Words that it gave. */
	given: 0,
	/** Answers that ended because of the signal. */
	stopped: 0,
	/** Words of an answer that it gives before it waits. */
	words: Infinity,
	/** Whether it fails where it would wait. */
	fails: false,
	/** Waits until the above has changed. */
	changed: Promise.withResolvers<void>()
}

/** Tokens for the stream of an account. */
export const tokens = {
	/** How many were given out. */
	made: 0,
	/** The first one that is valid. */
	validFrom: 1,
	/** Milliseconds that one is valid. */
	lifetime: 3_600_000
}

declare global {
	function loadOrders(): Promise<Order[]>
	function rowsAfter(id: string | undefined, signal: AbortSignal): AsyncIterable<{ id: number }>
	function mayRead(user: { id: string }, room: string): Promise<boolean>
	function index(data: unknown): Promise<void>
	function indexEverything(): Promise<void>
	function model(question: string, options: { signal: AbortSignal }): AsyncIterable<string>
	function verify(authorization: string | null): Session | undefined
}

globalThis.loadOrders = async () => [...orders]
globalThis.rowsAfter = async function* (id = '0') {
	for (const row of [1, 2, 3]) if (row > Number(id)) yield { id: row }
}
globalThis.mayRead = async (user, room) => user.id === '42' && room === 'kitchen'
globalThis.index = async (data) => void indexed.push(data)
globalThis.indexEverything = async () => {}
globalThis.model = async function* (question, { signal }) {
	languageModel.asked++
	const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
	const words = `An answer to: ${question}`.split(' ')
	for (const [index, word] of words.entries()) {
		while (index >= languageModel.words && !signal.aborted) {
			if (languageModel.fails) throw new Error('The model has failed.')
			await Promise.race([languageModel.changed.promise, aborted])
		}
		if (signal.aborted) {
			languageModel.stopped++
			throw signal.reason
		}
		languageModel.given++
		yield `${word} `
	}
}
globalThis.verify = (authorization) => {
	const number = Number(authorization?.replace('Bearer token ', ''))
	if (!(number >= tokens.validFrom)) return undefined
	return { balance: `${number} euros`, expiresAt: Date.now() + tokens.lifetime }
}
