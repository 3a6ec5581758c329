// The page that measures the client in a browser. Bytes go in as the body of a response; what is timed is the way from
// handing them over until the last event is where it was wanted.

import { flushSync, mount, unmount } from 'svelte'
import { clients } from './clients.svelte.js'
import Text from './Text.svelte'

/** @typedef {(events: number) => Promise<number>} Burst takes so many events; says how many milliseconds it took */

const encoder = new TextEncoder()
const pieces = 16_384

/** A body that stays open, and the bursts that are put into it. */
class Body {
	/** @type {ReadableStreamDefaultController<Uint8Array> | undefined} */
	#controller
	#sent = 0
	/** @type {string[]} */
	#names

	/** @param {string[]} names of the events, one after the other */
	constructor(names = ['message']) {
		this.#names = names
		/** @type {ReadableStream<Uint8Array>} */
		const body = new ReadableStream({ start: (controller) => void (this.#controller = controller) })
		this.response = new Response(/** @type {any} */ (body), {
			headers: { 'content-type': 'text/event-stream' }
		})
	}

	/** The bytes of the next events, and the text of the last. @param {number} events */
	make(events) {
		let text = ''
		let last = ''
		for (let index = 0; index < events; index++) {
			last = String(this.#sent++).padStart(64, '.')
			text += `event: ${this.#names[index % this.#names.length]}\ndata: ${last}\n\n`
		}
		const bytes = encoder.encode(text)
		const chunks = Array.from({ length: Math.ceil(bytes.length / pieces) }, (_, index) =>
			bytes.slice(index * pieces, (index + 1) * pieces)
		)
		return { chunks, last }
	}

	/** @param {Uint8Array[]} chunks */
	put(chunks) {
		for (const chunk of chunks) this.#controller?.enqueue(chunk)
	}

	end() {
		this.#controller?.close()
	}
}

/** What is measured, by where the last event is wanted. */
const goals = {
	/** At a listener that counts them all. @param {string} who @param {Body} body */
	event(who, body) {
		let count = 0
		let expected = 0
		let done = () => {}
		const stop = clients[who]?.(body.response).listen((data) => {
			if (data !== '' && ++count === expected) done()
		})
		return {
			stop,
			/** @param {string} _last @param {number} events */
			wait: (_last, events) =>
				new Promise((resolve) => {
					expected = count + events
					done = () => resolve(undefined)
				})
		}
	},

	/** As `current`, in an effect. @param {string} who @param {Body} body */
	current(who, body) {
		let expected = ''
		let done = () => {}
		const stop = $effect.root(() => {
			const client = clients[who]?.(body.response)
			$effect(() => {
				if (client?.value() === expected) done()
			})
		})
		return {
			stop,
			/** @param {string} last */
			wait: (last) =>
				new Promise((resolve) => {
					expected = last
					done = () => resolve(undefined)
				})
		}
	},

	/** In the document. @param {string} who @param {Body} body */
	dom(who, body) {
		const client = clients[who]?.(body.response)
		const component = mount(Text, { target: document.body, props: { value: client?.value } })
		flushSync()
		return {
			stop: () => unmount(component),
			/** @param {string} last */
			wait: (last) =>
				new Promise((resolve) => {
					const observer = new MutationObserver(() => {
						if (document.body.textContent?.trim() !== last) return
						observer.disconnect()
						resolve(undefined)
					})
					observer.observe(document.body, { childList: true, characterData: true, subtree: true })
				})
		}
	},

	/** At the listeners of a thousand channels. @param {string} who @param {Body} body @param {string[]} names */
	channels(who, body, names) {
		let count = 0
		let expected = 0
		let done = () => {}
		const client = clients[who]?.(body.response)
		const stops = names.map((name) =>
			client?.listen((data) => {
				if (data !== '' && ++count === expected) done()
			}, name)
		)
		return {
			stop: () => stops.forEach((stop) => stop?.()),
			/** @param {string} _last @param {number} events */
			wait: (_last, events) =>
				new Promise((resolve) => {
					expected = count + events
					done = () => resolve(undefined)
				})
		}
	}
}

/**
 * Opens a stream, takes bursts of events, and says how many milliseconds each took.
 *
 * @param {{ who: string, goal: keyof typeof goals, events: number, bursts: number, channels?: number }} order
 */
async function run({ who, goal, events, bursts, channels = 1 }) {
	const names = Array.from({ length: channels }, (_, index) =>
		channels === 1 ? 'message' : `name${index}`
	)
	const body = new Body(names)
	const { stop, wait } = goals[goal](who, body, names)
	// The client has asked for its response, and reads.
	await new Promise((resolve) => setTimeout(resolve, 20))
	/** @type {number[]} */
	const times = []
	for (let burst = 0; burst < bursts; burst++) {
		const { chunks, last } = body.make(events)
		const arrived = wait(last, events)
		const start = performance.now()
		body.put(chunks)
		await arrived
		times.push(performance.now() - start)
		// As between two bursts of a network: what the page has put off is done.
		await new Promise((resolve) => setTimeout(resolve))
	}
	kept.push(stop)
	return times
}

/** Streams that are open. @type {((() => unknown) | undefined)[]} */
const kept = []

function close() {
	for (const stop of kept.splice(0)) stop?.()
}

Object.assign(globalThis, { bench: { run, close } })
