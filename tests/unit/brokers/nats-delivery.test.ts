import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliver, type Delivered } from '../../../src/lib/brokers/nats-delivery.js'
import { useClock } from '../../../src/lib/clock.js'

type Callback = (error: Error | null, message: object) => void

let restore: () => void
let time = 0
let due: (() => void) | undefined

beforeEach(() => {
	time = 0
	due = undefined
	restore = useClock({
		now: () => time,
		date: () => new Date(time),
		setTimeout: (run) => (due = run),
		clearTimeout: () => (due = undefined)
	})
})

afterEach(() => restore())

/** A server of which the test plays the part. */
async function open() {
	let callback: Callback = () => {}
	const said: string[] = []
	const connection = {
		options: {},
		publish: (subject: string) => void said.push(subject),
		subscribe(_: string, options: { callback: Callback }) {
			callback = options.callback
			return { unsubscribe: () => void said.push('unsubscribed') }
		}
	}
	const stream = { name: 'SSE', manage: () => Promise.resolve({}) }
	const delivered: Delivered[] = []
	const lost: string[] = []
	const stop = await deliver(
		connection as never,
		stream as never,
		1,
		(message) => void delivered.push(message),
		(error) => void lost.push(error.message)
	)
	const push = (sequence: number, order: number, domain = '') => {
		const reply = `$JS.ACK.${domain}SSE.consumer.1.${sequence}.${order}.1700000000123456789.0`
		callback(null, { reply, data: new Uint8Array() })
	}
	const control = (reply: string, headers: Record<string, string> = {}) => {
		const get = (name: string) => headers[name] ?? ''
		callback(null, {
			reply,
			data: new Uint8Array(),
			headers: { get },
			respond: () => said.push(reply)
		})
	}
	return { push, control, delivered, lost, said, stop }
}

const pass = (ms: number) => {
	time += ms
	due?.()
}

test('numbers and time are read from the subject of the acknowledgement', async () => {
	const { push, delivered } = await open()
	push(7, 1)
	push(8, 2, 'domain.hash.')
	expect(delivered).toMatchObject([
		{ sequence: 7, at: 1_700_000_000_123 },
		{ sequence: 8, at: 1_700_000_000_123 }
	])
})

test('a message that was lost on its way is no hole of the log: the consumer is given up', async () => {
	const { push, delivered, lost, said } = await open()
	push(1, 1)
	push(3, 3)
	expect(delivered).toHaveLength(1)
	expect(lost).toEqual(['A message was lost on its way from the NATS server.'])
	expect(said).toEqual(['unsubscribed'])
})

test('a hole of the log is handed on as it is', async () => {
	const { push, delivered, lost } = await open()
	push(1, 1)
	push(3, 2)
	expect(delivered.map(({ sequence }) => sequence)).toEqual([1, 3])
	expect(lost).toEqual([])
})

test('heartbeats that stay away are a loss, heartbeats that come are not', async () => {
	const { control, lost } = await open()
	for (let beats = 0; beats < 10; beats++) {
		pass(1_000)
		control('')
	}
	expect(lost).toEqual([])
	for (let beats = 0; beats < 4; beats++) pass(1_000)
	expect(lost).toEqual(['The consumer on the NATS server is gone.'])
	expect(due).toBeUndefined()
})

// It was taken for a loss, and reported, whenever a process was busy for three seconds.
test('after a sleep, what came meanwhile is heard before anything is taken for a loss', async () => {
	const { control, lost } = await open()
	for (let sleeps = 0; sleeps < 3; sleeps++) {
		pass(60_000)
		control('')
	}
	expect(lost).toEqual([])
})

test('flow control is answered, or the server would send no more', async () => {
	const { control, said } = await open()
	control('flow')
	control('', { 'Nats-Consumer-Stalled': 'stalled' })
	expect(said).toEqual(['flow', 'stalled'])
})

test('once stopped, no timer is left', async () => {
	const { stop, lost } = await open()
	stop()
	expect(due).toBeUndefined()
	pass(60_000)
	expect(lost).toEqual([])
})
