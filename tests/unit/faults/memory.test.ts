import { getEventListeners } from 'node:events'
import { setImmediate as nextTask } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { source, type SseConnection } from '../../../src/lib/index.js'
import { actAsClient, manualClock } from '../../../src/lib/testing/index.js'
import { collectGarbage } from '../../support/garbage.js'
import { flushPromises, restoreAll } from './fixture.js'

afterEach(() => restoreAll())

const encoder = new TextEncoder()

/** A network that remembers nothing, and the body of its last answer. */
function createNetwork() {
	let body: ReadableStreamDefaultController<Uint8Array> | undefined
	return {
		fetch: async (_: unknown, { signal }: RequestInit = {}): Promise<Response> => {
			const stream = new ReadableStream<Uint8Array>({
				start(controller) {
					body = controller
					signal?.addEventListener('abort', () => {
						if (body === controller) body = undefined
						controller.error(signal.reason)
					})
				}
			})
			return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
		},
		async send(text: string): Promise<void> {
			body!.enqueue(encoder.encode(text))
			await flushPromises()
		}
	}
}

/** Kilobytes by which the heap has grown after the rounds, once those that fill caches have been made. */
async function growth(rounds: number, round: (index: number) => unknown): Promise<number> {
	const measure = async (): Promise<number> => {
		let least = Infinity
		// What a collection finds is told to registries in tasks, and freed by the next one.
		for (let time = 0; time < 10; time++) {
			gc!()
			await flushPromises()
			await nextTask()
			least = Math.min(least, process.memoryUsage().heapUsed)
		}
		return least
	}
	for (let index = 0; index < rounds / 10; index++) await round(index)
	const before = await measure()
	const pause = Math.ceil(rounds / 20)
	for (let index = 0; index < rounds; index++) {
		await round(rounds + index)
		// As in a long session: collections happen, and nothing is done in one task.
		if (index % pause > 0) continue
		gc!()
		await flushPromises()
	}
	return (await measure()) / 1_024 - before / 1_024
}

/** A name, or an id, of about 200 bytes that no other is equal to. */
const long = (what: string, index: number) => `${what}:${index}:${'x'.repeat(180)}`

/** Far below what one text of 200 bytes for each round comes to, and far above what a collection leaves by chance. */
const rounds = 20_000
const limit = 1_500

describe('on a server that renders pages, a source of a module', () => {
	test('does not grow with the names that were selected', async () => {
		const orders = source('/orders')
		const grown = await growth(rounds, (index) => orders.select(long('order', index)).current)
		expect(grown).toBeLessThan(limit)
	})

	test('does not grow with the names that were selected, subscribed to and derived', async () => {
		const orders = source('/orders')
		const grown = await growth(rounds, (index) => {
			const channel = orders.select(long('order', index))
			channel.json().subscribe(() => {})()
			channel.list().subscribe(() => {})()
			return channel.transform((text) => text.length).filter(Boolean).current
		})
		expect(grown).toBeLessThan(limit)
	})

	test('gives the same channel for a name while somebody has it', async () => {
		const orders = source('/orders')
		const channel = orders.select('order:1')
		for (let time = 0; time < 3; time++) {
			gc!()
			await flushPromises()
		}
		expect(orders.select('order:1')).toBe(channel)
	})
})

describe('on a client, a long session', () => {
	/** A connection that is open, and what sends its events. */
	async function setUp(): Promise<{
		orders: SseConnection
		send: (text: string) => Promise<void>
	}> {
		actAsClient()
		const { fetch, send } = createNetwork()
		const orders = source('http://app.test/orders', { fetch })
		orders.connect()
		await flushPromises()
		return { orders, send }
	}

	test('does not grow with the names of events that came', async () => {
		const { send } = await setUp()
		const grown = await growth(rounds / 100, (index) => {
			const texts = Array.from({ length: 100 }, (_, each) => {
				return `event: ${long('order', 100 * index + each)}\ndata: ${each}\n\n`
			})
			return send(texts.join(''))
		})
		expect(grown).toBeLessThan(limit)
	})

	test('does not grow with the names that were read for a while, each with its events', async () => {
		const { orders, send } = await setUp()
		const grown = await growth(rounds / 10, async (index) => {
			const stops: (() => void)[] = []
			let text = ''
			for (let each = 0; each < 10; each++) {
				const name = long('order', 10 * index + each)
				stops.push(orders.select(name).subscribe(() => {}))
				stops.push(
					orders
						.select(name)
						.list()
						.on(() => {})
				)
				text += `event: ${name}\ndata: ${each}\n\n`
			}
			await send(text)
			for (const stop of stops) stop()
		})
		expect(grown).toBeLessThan(limit)
	})

	test('does not grow with the ids of the events that came', async () => {
		const { orders, send } = await setUp()
		orders.select('message').on(() => {})
		const grown = await growth(rounds / 100, (index) => {
			const texts = Array.from({ length: 100 }, (_, each) => {
				return `id: ${long('id', 100 * index + each)}\ndata: ${each}\n\n`
			})
			return send(texts.join(''))
		})
		expect(grown).toBeLessThan(limit)
	})

	test('keeps a value for a reader that comes back, and the channel while somebody has it', async () => {
		const { orders, send } = await setUp()
		const channel = orders.select('order')
		const stop = channel.subscribe(() => {})
		await send('event: order\ndata: a\n\n')
		stop()
		gc!()
		await flushPromises()
		expect([channel.current, orders.select('order').current]).toEqual(['a', 'a'])
	})

	test('does not grow with the URLs that were opened, refused and left', async () => {
		actAsClient()
		const clock = manualClock()
		const answers = [
			() => new Response('', { status: 503, headers: { 'retry-after': '5' } }),
			() => new Response('', { status: 404 }),
			() => new Response('data: a\n\n', { headers: { 'content-type': 'text/event-stream' } })
		]
		const quiet = console.warn
		console.warn = () => {}
		try {
			const grown = await growth(rounds / 10, async (index) => {
				const url = `http://app.test/${long('orders', index)}${'y'.repeat(1_800)}`
				const fetch = async () => answers[index % 3]!()
				const connection = source(url, { fetch, headers: { a: '1' } })
				const stop = connection.select('message').subscribe(() => {})
				await flushPromises()
				stop()
				await clock.advance(10_000)
			})
			expect(grown).toBeLessThan(limit)
		} finally {
			console.warn = quiet
		}
	})

	test('does not grow with the URLs that a function gave', async () => {
		actAsClient()
		const clock = manualClock()
		const { fetch } = createNetwork()
		let url = ''
		const connection = source(() => url, { fetch })
		const grown = await growth(rounds / 10, async (index) => {
			url = `http://app.test/${long('orders', index)}${'y'.repeat(1_800)}`
			const stop = connection.select('message').subscribe(() => {})
			await flushPromises()
			stop()
			await clock.advance(1_000)
		})
		expect(grown).toBeLessThan(limit)
	})
})

describe('what a user holds for long', () => {
	test('keeps no idle handle alive: an abort signal', async () => {
		actAsClient()
		const { signal } = new AbortController()
		const handles = Array.from({ length: 100 }, () => {
			return new WeakRef(source('http://app.test/orders', { signal }))
		})
		const gone = () => handles.filter((handle) => !handle.deref()).length
		await collectGarbage(() => gone() >= 99)
		expect(gone()).toBeGreaterThanOrEqual(99)
	})

	test('gets no listener more with each call of next(): an abort signal', async () => {
		actAsClient()
		const { fetch, send } = createNetwork()
		const { signal } = new AbortController()
		const channel = source('http://app.test/orders', { fetch }).select('message')
		channel.on(() => {})
		await flushPromises()
		for (let time = 0; time < 100; time++) {
			const next = channel.next({ signal })
			await send('data: a\n\n')
			await next
		}
		expect(getEventListeners(signal, 'abort')).toEqual([])
	})

	test('gets no listener more with each opening: an abort signal', async () => {
		actAsClient()
		const clock = manualClock()
		const { fetch } = createNetwork()
		const { signal } = new AbortController()
		const connection = source('http://app.test/orders', { fetch, signal })
		for (let time = 0; time < 20; time++) {
			const stop = connection.select('message').on(() => {})
			await flushPromises()
			stop()
			await clock.advance(1_000)
		}
		expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1)
	})

	test('keeps nothing of the loops that were left: a channel', async () => {
		actAsClient()
		const { fetch, send } = createNetwork()
		const channel = source('http://app.test/orders', { fetch }).select('message')
		channel.on(() => {})
		await flushPromises()
		const grown = await growth(2_000, async () => {
			const loop = channel[Symbol.asyncIterator]()
			await send(`data: ${'x'.repeat(1_000)}\n\n`.repeat(2))
			await loop.return!()
		})
		expect(grown).toBeLessThan(limit)
	})

	test('keeps nothing of the channels that were derived of it and dropped: a channel', async () => {
		actAsClient()
		const { fetch, send } = createNetwork()
		const channel = source('http://app.test/orders', { fetch }).select('message')
		channel.on(() => {})
		await flushPromises()
		await send(`data: ${'x'.repeat(1_000)}\n\n`)
		const grown = await growth(rounds, () => {
			return channel.transform((text) => text + text).list().current
		})
		expect(grown).toBeLessThan(limit)
	})
})
