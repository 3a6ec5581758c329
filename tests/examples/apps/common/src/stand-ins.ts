// What the examples of the documents take for granted: functions of the reader's own app.

export interface Order {
	id: number
}

export const orders: Order[] = [{ id: 1 }]
export const indexed: unknown[] = []

declare global {
	function loadOrders(): Promise<Order[]>
	function rowsAfter(id: string | undefined, signal: AbortSignal): AsyncIterable<{ id: number }>
	function mayRead(user: { id: string }, room: string): Promise<boolean>
	function index(data: unknown): Promise<void>
	function model(question: string): AsyncIterable<string>
}

globalThis.loadOrders = async () => [...orders]
globalThis.rowsAfter = async function* (id = '0') {
	for (const row of [1, 2, 3]) if (row > Number(id)) yield { id: row }
}
globalThis.mayRead = async (user, room) => user.id === '42' && room === 'kitchen'
globalThis.index = async (data) => void indexed.push(data)
globalThis.model = async function* (question) {
	for (const word of `An answer to: ${question}`.split(' ')) yield `${word} `
}
