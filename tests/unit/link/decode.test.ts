import { describe, expect, test } from 'vitest'
import { decode, type Sink } from '../../../src/lib/link/decode.js'

const encoder = new TextEncoder()

/** Writes down what it is told, in its order. */
class Log implements Sink {
	readonly all: string[] = []
	/** Pieces of the body. */
	pieces = 0
	room: Promise<void> | undefined

	event(name: string, data: string, id: string | undefined): void {
		this.all.push(`${name}:${data}${id === undefined ? '' : ` #${id}`}`)
	}

	id(id: string): void {
		this.all.push(`id ${id}`)
	}

	retry(delay: number): void {
		this.all.push(`retry ${delay}`)
	}

	control({ kind }: { kind: string }): void {
		this.all.push(kind)
	}

	bytes(): void {
		this.pieces++
	}

	parsed(): Promise<void> | undefined {
		return this.room
	}
}

/** A body whose pieces are there from the start. */
function bodyOf(...pieces: (string | Uint8Array<ArrayBuffer>)[]): ReadableStream<Uint8Array> {
	return new ReadableStream({
		start(controller) {
			for (const piece of pieces)
				controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
			controller.close()
		}
	})
}

const { signal } = new AbortController()

/** An event of a number of bytes. */
const eventOf = (bytes: number): string => `data:${'x'.repeat(bytes - 7)}\n\n`

describe('a body that ends', () => {
	test.for<[string, boolean]>([
		['', true],
		['data: a\n\n', true],
		['data: a\r\r', true],
		['data: a\r\n\r\n', true],
		['data: a\n\n\n\n', true],
		['data: a\n\n: comment\n', true],
		['data: a\n\nretry: 7\n', true],
		['data: a\n\nid: 1\n\n', true],
		['data: a\n', false],
		['data: a\r', false],
		['data: a\r\n', false],
		['data: a', false],
		['data: a\n\ndata', false],
		['data: a\n\ndata\n', false],
		['data: a\n\nid: 1\n', false],
		['data: a\n\nid\n', false],
		['data: a\n\nid: 1', false],
		['data: a\n\nevent: x\n', false],
		['data: a\n\nevent: x\n: comment\n', false],
		['data: a\n\n: comm', false],
		['data: a\n\nretry: 7', false]
	])('with %j did so between two events: %s', async ([text, isBetween]) => {
		const whole = new Log()
		expect(await decode(bodyOf(text), whole, signal)).toBe(isBetween)
		const single = new Log()
		const bytes = Array.from(encoder.encode(text), (byte) => Uint8Array.of(byte))
		expect(await decode(bodyOf(...bytes), single, signal)).toBe(isBetween)
		expect(single.all).toEqual(whole.all)
	})

	test('inside an event tells nothing of it', async () => {
		const log = new Log()
		const text = 'id: 1\ndata: a\n\nretry: 5\nid: 2\nevent: x\ndata: b\nretry: 7'
		expect(await decode(bodyOf(text), log, signal)).toBe(false)
		expect(log.all).toEqual(['id 1', ':a #1', 'retry 5'])
	})

	test('with a last frame whose line end is missing has said it', async () => {
		const log = new Log()
		await decode(bodyOf(': sveltekit-sse/1 close done'), log, signal)
		expect(log.all).toEqual(['close'])
	})

	test('in the middle of a character ends inside an event', async () => {
		const bytes = encoder.encode('data: €')
		expect(await decode(bodyOf(bytes.slice(0, -1)), new Log(), signal)).toBe(false)
	})

	test('that breaks off rejects, after what came before', async () => {
		const log = new Log()
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => controller.enqueue(encoder.encode('data: a\n\ndata: b\n')),
			pull: (controller) => controller.error(new Error('reset'))
		})
		await expect(decode(body, log, signal)).rejects.toThrow('reset')
		expect(log.all).toEqual([':a'])
	})
})

describe('decoding gives way', () => {
	/** Counts how many events have come, at each turn of the event loop. */
	async function turnsOf(body: ReadableStream<Uint8Array>): Promise<number[]> {
		const log = new Log()
		const counts: number[] = []
		let isOver = false
		const look = (): void => {
			if (counts.at(-1) !== log.all.length) counts.push(log.all.length)
			if (!isOver) setImmediate(look)
		}
		setImmediate(look)
		await decode(body, log, signal)
		isOver = true
		return [...new Set([...counts, log.all.length])]
	}

	test('between pieces of 32 kB of one chunk', async () => {
		// 16 events make 32 KiB.
		expect(await turnsOf(bodyOf(eventOf(2_048).repeat(64)))).toEqual([16, 32, 48, 64])
	})

	test('between chunks that are there at once, as soon as they make 32 kB', async () => {
		const chunks = Array.from({ length: 64 }, () => eventOf(2_048))
		expect(await turnsOf(bodyOf(...chunks))).toEqual([16, 32, 48, 64])
	})

	test('not for less', async () => {
		expect(await turnsOf(bodyOf(eventOf(2_048).repeat(16)))).toEqual([16])
	})

	test('so that a loop that waits for nothing has each piece before the next', async () => {
		const waiting: string[] = []
		let most = 0
		let wake = (): void => {}
		const log = new Log()
		log.event = (_, data) => {
			waiting.push(data)
			wake()
		}
		const ended = decode(bodyOf('data: a\n\n'.repeat(100_000)), log, signal)
		let taken = 0
		while (taken < 100_000) {
			if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
			most = Math.max(most, waiting.length)
			taken += waiting.splice(0).length
		}
		await ended
		expect(most).toBeLessThanOrEqual(Math.ceil(32_768 / 9))
	})

	test('without tearing what lies across two pieces', async () => {
		const log = new Log()
		// Each piece ends in the middle of a character of three bytes, somewhere.
		const data = '€'.repeat(50_000)
		await decode(bodyOf(`id: 1\ndata: ${data}\n\ndata: b\n\n`), log, signal)
		expect(log.all).toEqual(['id 1', `:${data} #1`, ':b'])
		expect(log.pieces).toBe(5)
	})
})

describe('a sink', () => {
	test('that needs time is given no more until it is ready', async () => {
		const log = new Log()
		const { promise, resolve } = Promise.withResolvers<void>()
		log.room = promise
		const ended = decode(bodyOf(eventOf(32_768), 'data: b\n\n'), log, signal)
		for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
		expect([log.all.length, log.pieces]).toEqual([1, 1])
		log.room = undefined
		resolve()
		await ended
		expect(log.all).toHaveLength(2)
	})

	test('hears of no bytes where there are none', async () => {
		const log = new Log()
		await decode(bodyOf(new Uint8Array(0), 'data: a\n\n', new Uint8Array(0)), log, signal)
		expect([log.all, log.pieces]).toEqual([[':a'], 1])
	})

	test('hears nothing more after an abort while others have their turn', async () => {
		const controller = new AbortController()
		const log = new Log()
		const ended = decode(bodyOf(eventOf(2_048).repeat(64)), log, controller.signal)
		setImmediate(() => controller.abort())
		await ended
		expect([log.all.length, log.pieces]).toEqual([16, 1])
	})

	test('that aborts in an event gets the rest of its piece, and no other', async () => {
		const controller = new AbortController()
		const log = new Log()
		log.event = (_, data) => {
			log.all.push(data.slice(0, 1))
			controller.abort()
		}
		await decode(bodyOf(eventOf(16_384).repeat(6)), log, controller.signal)
		expect([log.all, log.pieces]).toEqual([['x', 'x'], 1])
	})
})
