// The client in a process of its own: bytes go in as the body of a response, events come out at a listener.

import { createParser } from 'eventsource-parser'
import { library } from './build.mjs'
import { obey } from './rpc.mjs'

/**
 * @typedef {object} Input
 * @property {number} events
 * @property {number} size characters of each event's data
 * @property {number} chunk bytes of each chunk
 */

/** @type {Record<string, (chunks: Uint8Array[], events: number) => Promise<void>>} */
const readers = {
	/** The parser, and what it takes to get from a body to it. */
	async feed(chunks, events) {
		let count = 0
		const parser = createParser({ onEvent: () => count++ })
		const decoder = new TextDecoder()
		const reader = bodyOf(chunks).getReader()
		for (let next = await reader.read(); !next.done; next = await reader.read())
			parser.feed(decoder.decode(next.value, { stream: true }))
		if (count !== events) throw new Error(`${count} events of ${events}`)
	},

	/** Its TransformStream. */
	async stream(chunks, events) {
		const { EventSourceParserStream } = await import('eventsource-parser/stream')
		let count = 0
		const stream = bodyOf(chunks)
			.pipeThrough(/** @type {any} */ (new TextDecoderStream()))
			.pipeThrough(/** @type {any} */ (new EventSourceParserStream()))
		const reader = stream.getReader()
		for (let next = await reader.read(); !next.done; next = await reader.read()) count++
		if (count !== events) throw new Error(`${count} events of ${events}`)
	},

	/** This library, from its `source` to a listener. */
	async ours(chunks, events) {
		const { source } = await import(library('client'))
		let count = 0
		await new Promise((resolve, reject) => {
			const connection = source('http://localhost/', {
				cache: false,
				reconnect: false,
				fetch: async () => responseOf(chunks),
				close: resolve,
				error: (/** @type {any} */ { error }) => reject(error)
			})
			connection.select('message').on(() => count++)
		})
		if (count !== events) throw new Error(`${count} events of ${events}`)
	},

	async 'sveltekit-sse-0.14'(chunks, events) {
		// It reads nothing where there is no page, and has its fetch from nowhere else.
		Object.assign(globalThis, {
			document: { addEventListener() {}, removeEventListener() {} },
			window: { setTimeout, clearTimeout, fetch: async () => responseOf(chunks) },
			fetch: async () => responseOf(chunks)
		})
		const { source } = await import(library('client-0.14'))
		// A store begins with an empty text, and its source closes before the last listener has run.
		let count = -1
		await new Promise((resolve) => {
			source('/', { cache: false, close: () => setTimeout(resolve) })
				.select('message')
				.subscribe(() => count++)
		})
		if (count !== events) throw new Error(`${count} events of ${events}`)
	}
}

const headers = { 'content-type': 'text/event-stream' }

/** @param {Uint8Array[]} chunks */
function responseOf(chunks) {
	return new Response(/** @type {any} */ (bodyOf(chunks)), { headers })
}

/** @param {Uint8Array[]} chunks @returns {ReadableStream<Uint8Array>} */
function bodyOf(chunks) {
	let next = 0
	return new ReadableStream({
		pull(controller) {
			const chunk = chunks[next++]
			if (chunk) controller.enqueue(chunk)
			else controller.close()
		}
	})
}

/** The bytes of the last input: to make them is much work, and leaves much behind. */
let last = { key: '', chunks: /** @type {Uint8Array[]} */ ([]) }

/** @param {Input} input */
function chunksOf(input) {
	const key = JSON.stringify(input)
	if (key !== last.key) last = { key, chunks: makeChunks(input) }
	return last.chunks
}

/** @param {Input} input */
function makeChunks({ events, size, chunk }) {
	const frames = Array.from(
		{ length: events },
		(_, index) => `event: message\ndata: ${index}${'x'.repeat(size - String(index).length)}\n\n`
	)
	const bytes = new TextEncoder().encode(frames.join(''))
	return Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
		bytes.slice(index * chunk, (index + 1) * chunk)
	)
}

obey({
	profile: () => import('./profile.mjs').then(({ start }) => start()),
	profiled: () => import('./profile.mjs').then(({ stop }) => stop()),

	/** Reads one body; returns the time it took, in milliseconds, and that of the processor, in microseconds. */
	async read(/** @type {Input & { who: string }} */ { who, ...input }) {
		const chunks = chunksOf(input)
		const before = process.cpuUsage()
		const start = performance.now()
		await readers[who]?.(chunks, input.events)
		const time = performance.now() - start
		const { user, system } = process.cpuUsage(before)
		return { time, cpu: user + system }
	},

	/** What a million events leave behind in the heap, in bytes. */
	async left(/** @type {{ who: string }} */ { who }) {
		const chunks = chunksOf({ events: 10_000, size: 64, chunk: 16_384 })
		await readers[who]?.(chunks, 10_000)
		globalThis.gc?.()
		const before = process.memoryUsage().heapUsed
		// One connection, a hundred times the same bytes.
		const many = Array.from({ length: 100 }, () => chunks).flat()
		await readers[who]?.(many, 1_000_000)
		many.length = 0
		globalThis.gc?.()
		return process.memoryUsage().heapUsed - before
	}
})
