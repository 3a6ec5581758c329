import { describe, expect, vi } from 'vitest'
import { get } from 'svelte/store'
import { follow, happened, sides, test, type Side } from './fixture.js'

// What docs/migrating.md says of `source`: the real 0.14.3 beside this library, in one page. The name in brackets is that
// of the row.

/** Runs the same with both, and gives what came of each. */
async function compare<T>(run: (side: Side) => T | Promise<T>) {
	const { before, now } = sides()
	return { before: await run(before), now: await run(now) }
}

/** Reads the messages that the server sends of itself. */
async function received(text: string): Promise<{ before: unknown; now: unknown }> {
	return compare(async (side) => {
		const url = side.room.answer({ text: `${text}event: end\ndata: end\n\n`, hold: '1' })
		const onmessage = ({ id, event, data }: { id: string; event: string; data: string }) =>
			void side.log.push([id, event, data])
		follow(side.source(url, { options: { onmessage } }).select('end'))
		await expect.poll(() => JSON.stringify(side.log)).toContain('end')
		return side.log.slice(0, -1)
	})
}

/** What a browser says of a rejection that nobody caught. */
async function uncaught(problems: unknown[]): Promise<void> {
	await expect.poll(() => problems).toContain('unhandledrejection')
	problems.length = 0
}

const logging = (side: Side) => ({
	open: () => void side.log.push('open'),
	close: ({ isLocal }: { isLocal: boolean }) => void side.log.push(isLocal ? 'left' : 'close'),
	error: () => void side.log.push('error')
})

describe('a connection that is lost', () => {
	test('[reconnects] comes back by itself', async () => {
		const { before, now } = sides()
		for (const side of [before, now])
			follow(side.source(side.room.url, logging(side)).select('message'))
		for (const { room } of [before, now]) {
			await room.until({ live: 1 })
			await room.end('restart', { retry: 0 })
		}
		expect((await now.room.until({ live: 1, opened: 2 })).opened).toHaveLength(2)
		expect(await happened(before, 2)).toEqual(['open', 'close'])
		expect((await before.room.until({ live: 0 })).opened).toHaveLength(1)
	})

	test('[last-event-id] resumes from the last id', async () => {
		const { before, now } = await compare(async ({ source, room, log }) => {
			const connection = source(room.url, { close: ({ isLocal, connect }) => isLocal || connect() })
			follow(connection.select('message'), (data) => void log.push(data))
			await room.until({ live: 1 })
			await room.emit(['message', 'a', '7'])
			await expect.poll(() => log).toContain('a')
			await room.end('restart', { retry: 0 })
			return (await room.until({ live: 1, opened: 2 })).opened
		})
		expect({ before, now }).toEqual({ before: [null, null], now: [null, '7'] })
	})

	test('[lost] in the middle is told, and a rejection of nobody', async ({ problems }) => {
		const { before, now } = sides()
		for (const side of [before, now]) {
			const url = side.room.answer({ text: ':sveltekit-sse/1 hello ping=0\n\n', hold: '1' })
			follow(side.source(url, logging(side)).select('message'))
			await happened(side, 1)
			await side.room.cut()
		}
		expect((await happened(now, 3)).slice(0, 3)).toEqual(['open', 'error', 'close'])
		await uncaught(problems)
		expect(before.log).toEqual(['open'])
	})

	test('[first-connect] that was never made is told, and tried again', async ({ problems }) => {
		const { before, now } = sides()
		for (const side of [before, now]) {
			const onerror = () => void side.log.push('nested')
			// No browser connects to this port.
			const connection = side.source('http://127.0.0.1:1/', {
				...logging(side),
				options: { onerror }
			})
			follow(connection.select('message'))
		}
		expect((await happened(now, 3)).slice(0, 3)).toEqual(['error', 'nested', 'close'])
		await uncaught(problems)
		expect(before.log).toEqual([])
	})

	test('[connect-in-close] by a server that refuses makes no storm', async ({ problems }) => {
		const { before, now } = sides()
		let isOver = false
		for (const { source, room } of [before, now]) {
			const connection = source(room.answer({ status: '503', text: '' }), {
				close: ({ connect }) => void (isOver || connect())
			})
			follow(connection.select('message'))
		}
		await before.room.until({ opened: 20 })
		isOver = true
		expect((await now.room.until({})).opened.length).toBeLessThan(5)
		// In development the console says why.
		problems.length = 0
	})

	test('[close-per-outage] is told once, and each attempt that fails by `error`', async ({
		problems
	}) => {
		const { before, now } = sides()
		let isOver = false
		for (const side of [before, now]) {
			const { error } = logging(side)
			const close = ({ connect }: { connect: () => unknown }) => {
				side.log.push('close')
				if (!isOver && side.log.length < 4) connect()
			}
			follow(
				side
					.source(side.room.answer({ status: '503', text: '' }), { close, error })
					.select('message')
			)
		}
		expect(await happened(before, 4)).toEqual(['close', 'close', 'close', 'close'])
		expect((await happened(now, 4)).slice(0, 4)).toEqual(['error', 'close', 'error', 'error'])
		isOver = true
		// In development the console says why.
		problems.length = 0
	})

	test('[silence] shows by its silence, if the server said how often it speaks', async () => {
		const { before, now } = sides()
		for (const { source, room } of [before, now]) {
			const url = room.answer({ text: ':sveltekit-sse/1 hello ping=100\n\n', hold: '1' })
			follow(source(url).select('message'))
			await room.until({ opened: 1 })
		}
		await now.room.until({ opened: 2 })
		expect((await before.room.until({})).opened).toHaveLength(1)
	})
})

describe('a response', () => {
	test('[charset] may name its charset', async () => {
		const { before, now } = await compare(async (side) => {
			const type = 'text/event-stream; charset=utf-8'
			const url = side.room.answer({ type, text: 'event: m\ndata: a\n\n', hold: '1' })
			follow(
				side.source(url, logging(side)).select('m'),
				(data) => void (data && side.log.push(data))
			)
			return (await happened(side, 1)).slice()
		})
		expect(before).toEqual(['close'])
		expect(now[0]).toBe('open')
	})

	test('[status] of another status than 200 is no stream', async ({ problems }) => {
		const { before, now } = await compare(async (side) => {
			const url = side.room.answer({ status: '201', text: 'event: m\ndata: a\n\n' })
			follow(side.source(url, logging(side)).select('m'))
			return (await happened(side, 2)).slice()
		})
		expect({ before, now }).toEqual({ before: ['open', 'close'], now: ['error', 'close'] })
		// In development the console says why, once.
		expect(problems.splice(0)).toHaveLength(1)
	})

	test('[refused] that is refused is an error as well as an end', async ({ problems }) => {
		const { before, now } = await compare(async (side) => {
			const told: unknown[] = []
			const connection = side.source(side.room.answer({ status: '404', text: 'none' }), {
				error: ({ status, error }) => void told.push(['error', status, error?.name]),
				close: ({ status }) => void (told.push(['close', status]), side.log.push('end'))
			})
			follow(connection.select('m'))
			await happened(side, 1)
			return told
		})
		expect(before).toEqual([['close', 404]])
		expect(now).toEqual([
			['error', 404, 'SseError'],
			['close', 404]
		])
		// In development the console says why, once.
		expect(problems.splice(0)).toHaveLength(1)
	})

	test('[accept] is asked for as an event stream', async () => {
		const { before, now } = await compare(async ({ source, room }) => {
			follow(source(room.url).select('message'))
			return (await room.until({ live: 1 })).accepts
		})
		expect({ before, now }).toEqual({ before: ['*/*'], now: ['text/event-stream'] })
	})
})

describe('a request', () => {
	/** What the browser would send of them to the page's own origin, where no server of a test is. */
	async function sent(options: Parameters<Side['source']>[1] = {}) {
		return compare(async ({ source }) => {
			const { promise, resolve } = Promise.withResolvers<Request>()
			const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((url, init) => {
				resolve(new Request(url, init))
				return new Promise(() => {})
			})
			follow(source('/events', options).select('message'))
			const request = await promise
			spy.mockRestore()
			return request
		})
	}
	const typeOf = ({ headers }: Request) => headers.get('content-type')

	test('[relative-url] goes where it went first, whatever page is shown since', async ({
		problems
	}) => {
		const home = location.href
		const { before, now } = await compare(async ({ source }) => {
			const asked: string[] = []
			const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
				asked.push(new URL(new Request(url).url).pathname)
				return new Response(null, { status: 503 })
			})
			history.replaceState(history.state, '', '/shop/cart')
			const connection = source('events', {
				close({ connect }) {
					history.replaceState(history.state, '', '/')
					if (asked.length === 1) connect()
				}
			})
			const leave = follow(connection.select('message'))
			await expect.poll(() => asked.length).toBeGreaterThan(1)
			leave()
			spy.mockRestore()
			return asked.slice(0, 2)
		})
		history.replaceState(history.state, '', home)
		expect(before).toEqual(['/shop/events', '/events'])
		expect(now).toEqual(['/shop/events', '/shop/events'])
		// In development the console says why.
		problems.length = 0
	})

	test('[content-type] says that it is no form', async () => {
		const none = await sent()
		expect([none.before, none.now].map(typeOf)).toEqual([null, 'application/json'])
		const text = await sent({ options: { body: '{}' } })
		expect([text.before, text.now].map(typeOf)).toEqual([
			'text/plain;charset=UTF-8',
			'application/json'
		])
		const typed = await sent({ options: { headers: { 'content-type': 'text/csv' } } })
		expect([typed.before, typed.now].map(typeOf)).toEqual(['text/csv', 'text/csv'])
	})

	test('[request-cache] goes past the cache of the browser', async () => {
		const { before, now } = await sent({ options: { method: 'GET' } })
		expect([before.cache, now.cache]).toEqual(['default', 'no-store'])
	})

	test('[method-case] has its method in capitals', async () => {
		const { before, now } = await sent({ options: { method: 'patch' } })
		expect([before.method, now.method]).toEqual(['patch', 'PATCH'])
	})
})

describe('what is shared', () => {
	test('[close-one] close() closes one handle, not all of a URL', async () => {
		const { before, now } = sides()
		for (const { source, room, log } of [before, now]) {
			const header = source(room.url)
			const list = source(room.url)
			log.push(header === list)
			follow(header.select('message'))
			follow(list.select('message'))
			await room.until({ live: 1 })
			header.close()
		}
		expect((await before.room.until({ live: 0 })).live).toBe(0)
		expect((await now.room.until({})).live).toBe(1)
		expect([...before.log, ...now.log]).toEqual([true, false])
	})

	test('[close-one] a signal of both closes them, as a logout has it', async () => {
		const { now } = sides()
		const session = new AbortController()
		const { signal } = session
		for (let handle = 0; handle < 2; handle++)
			follow(now.source(now.room.url, { options: { signal } }).select('message'))
		await now.room.until({ live: 1 })
		session.abort()
		await now.room.until({ live: 0 })
	})

	test('[callbacks] every handle hears its own callbacks', async () => {
		const { before, now } = await compare(async ({ source, room, log }) => {
			const channels = ['one', 'two'].map((name) =>
				source(room.url, { open: () => void log.push(name) }).select('message')
			)
			for (const channel of channels) follow(channel)
			await room.until({ live: 1 })
			await expect.poll(() => log.length).toBeGreaterThan(0)
			return log
		})
		await expect.poll(() => now).toEqual(['one', 'two'])
		expect(before).toEqual(['one'])
	})

	test('[last-reader] a channel without readers ends no other', async () => {
		const { before, now } = sides()
		for (const { source, room } of [before, now]) {
			const connection = source(room.url)
			follow(connection.select('one'))
			const leave = follow(connection.select('two'))
			await room.until({ live: 1 })
			leave()
		}
		await before.room.until({ live: 0 })
		expect((await now.room.until({})).live).toBe(1)
	})

	test('[sharing] equal requests share one connection, however they are written', async () => {
		const { before, now } = sides()
		for (const { source, room } of [before, now]) {
			follow(source(room.url).select('message'))
			follow(source(room.url, { options: { method: 'POST' } }).select('message'))
		}
		await before.room.until({ live: 2 })
		expect((await now.room.until({ live: 1 })).opened).toHaveLength(1)
	})

	test('[linger] a reader that comes at once after the last finds the connection', async () => {
		const { before, now } = sides()
		for (const side of [before, now]) {
			const channel = side.source(side.room.url, logging(side)).select('message')
			const leave = follow(channel)
			await happened(side, 1)
			leave()
			follow(channel)
		}
		await before.room.until({ opened: 2 })
		expect((await now.room.until({ live: 1 })).opened).toHaveLength(1)
	})
})

describe('options and callbacks', () => {
	test('[signal] a signal ends the connection', async () => {
		const { before, now } = sides()
		const abort = new AbortController()
		for (const { source, room } of [before, now]) {
			follow(source(room.url, { options: { signal: abort.signal } }).select('message'))
			await room.until({ live: 1 })
		}
		abort.abort()
		await now.room.until({ live: 0 })
		expect((await before.room.until({})).live).toBe(1)
	})

	test('[open-when-hidden] a page that is shown makes no second request', async () => {
		const { before, now } = sides()
		for (const { source, room } of [before, now]) {
			follow(source(room.url, { options: { openWhenHidden: false } }).select('message'))
			await room.until({ live: 1 })
		}
		document.dispatchEvent(new Event('visibilitychange'))
		await before.room.until({ live: 2 })
		expect((await now.room.until({ live: 1 })).opened).toHaveLength(1)
	})

	test('[page-left] a page that is left closes its connection, and has it back', async () => {
		const { before, now } = sides()
		for (const { source, room } of [before, now]) {
			follow(source(room.url).select('message'))
			await room.until({ live: 1 })
		}
		dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
		await now.room.until({ live: 0 })
		dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
		await now.room.until({ live: 1, opened: 2 })
		expect((await before.room.until({ live: 1 })).opened).toHaveLength(1)
	})

	test('[close-event] a local close tells no made-up id and status', async () => {
		const { before, now } = await compare(({ source, room, log }) => {
			const connection = source(room.url, {
				close: ({ id, status, statusText, isLocal }) =>
					void log.push([id.length, status, statusText, isLocal])
			})
			follow(connection.select('message'))
			// No response has come yet.
			connection.close()
			return log
		})
		expect(before).toEqual([[8, 500, 'Internal Server Error', true]])
		expect(now).toEqual([[0, 0, '', true]])
	})

	test('[close-once] close is told once', async () => {
		const { before, now } = await compare(async (side) => {
			const leave = follow(side.source(side.room.url, logging(side)).select('message'))
			await side.room.until({ live: 1 })
			await side.room.end('done')
			await happened(side, 2)
			leave()
			return side.log
		})
		expect(before).toEqual(['open', 'close', 'left'])
		expect(now).toEqual(['open', 'close'])
	})

	test('[connect-unread] connect() in close opens nothing that nobody reads', async () => {
		const { before, now } = sides()
		const isOver = new AbortController()
		for (const { source, room } of [before, now]) {
			const leave = follow(
				source(room.url, {
					close: ({ connect }) => void (isOver.signal.aborted || connect())
				}).select('message')
			)
			await room.until({ live: 1 })
			leave()
		}
		await before.room.until({ opened: 2 })
		await now.room.until({ live: 0 })
		isOver.abort()
		await before.room.end('done')
		expect((await now.room.until({})).opened).toHaveLength(1)
	})

	test('[source-checks] in development, options that cannot work are refused', async () => {
		const { before, now } = await compare(({ source, room }) => {
			try {
				source(room.url, { close: 'x' as never })
				return 'taken'
			} catch (thrown) {
				return (thrown as Error & { code: string }).code
			}
		})
		expect({ before, now }).toEqual({ before: 'taken', now: 'invalid-argument' })
	})

	test('[invalid-url] what is no URL is refused at the call', async () => {
		const { before, now } = await compare(({ source }) => {
			try {
				source('http://')
				return 'taken'
			} catch (thrown) {
				return (thrown as Error & { code: string }).code
			}
		})
		expect({ before, now }).toEqual({ before: 'taken', now: 'invalid-url' })
	})
})

describe('events', () => {
	test('[equal-events] equal ones in a row are all delivered', async () => {
		const { before, now } = await compare(async ({ source, room, log }) => {
			follow(source(room.url).select('message'), (data) => void log.push(data))
			await room.until({ live: 1 })
			await room.emit(['message', 'a'], ['message', 'a'], ['message', 'b'])
			await expect.poll(() => log).toContain('b')
			return log
		})
		expect(before).toEqual(['', 'a', 'b'])
		expect(now).toEqual(['', 'a', 'a', 'b'])
	})

	test('[empty-events] blocks without data are none', async () => {
		const { before, now } = await received('event: x\n\n:a comment\n\n')
		expect(before).toEqual([
			['', 'x', ''],
			['', '', '']
		])
		expect(now).toEqual([])
	})

	test('[unnamed-events] those without a name are messages, too', async () => {
		const { before, now } = await compare(async ({ source, room }) => {
			const connection = source(room.answer({ text: 'data: a\n\n', hold: '1' }))
			const [unnamed, message] = [connection.select(''), connection.select('message')]
			follow(unnamed)
			follow(message)
			await expect.poll(() => get(unnamed)).toBe('a')
			return get(message)
		})
		expect({ before, now }).toEqual({ before: '', now: 'a' })
	})

	test('[unnamed-event] those without a name are told as `message`', async () => {
		const { before, now } = await received('data: a\n\n')
		expect({ before, now }).toEqual({ before: [['', '', 'a']], now: [['', 'message', 'a']] })
	})

	test('[last-id] those without an id tell the last one', async () => {
		const { before, now } = await received('id: 1\nevent: x\ndata: a\n\nevent: x\ndata: b\n\n')
		expect(before).toEqual([
			['1', 'x', 'a'],
			['', 'x', 'b']
		])
		expect(now).toEqual([
			['1', 'x', 'a'],
			['1', 'x', 'b']
		])
	})

	test('[leading-lines] empty lines at the beginning are kept', async () => {
		const { before, now } = await received('event: x\ndata:\ndata: a\n\n')
		expect({ before, now }).toEqual({ before: [['', 'x', 'a']], now: [['', 'x', '\na']] })
	})

	test('[select-names] a name that cannot arrive is refused', async () => {
		const { before, now } = await compare(({ source, room }) => {
			const connection = source(room.url)
			return ['a\nb', 'a\rb', 'a\0b'].map((name) => {
				try {
					connection.select(name)
					return 'taken'
				} catch (thrown) {
					return (thrown as Error).name
				}
			})
		})
		expect(before).toEqual(['Error', 'taken', 'taken'])
		expect(now).toEqual(['SseError', 'SseError', 'SseError'])
	})

	test('[json-first] before the first event `or` is told an `SseError`', async () => {
		const { before, now } = await compare(({ source, room, log }) => {
			const store = source(room.url)
				.select('message')
				.json<string>(({ error, raw, previous }) => {
					log.push([error.name, raw, previous])
					return 'default'
				})
			const unsubscribe = follow(store)
			log.push(get(store))
			unsubscribe()
			return [log[0], log.at(-1)]
		})
		expect(before).toEqual([['SyntaxError', '', null], 'default'])
		expect(now).toEqual([['SseError', '', null], 'default'])
	})
})

test('[workers] a worker reads streams', async () => {
	const { before, now } = sides()
	const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
	worker.postMessage([before.room.url, now.room.url])
	await now.room.until({ live: 1 })
	expect((await before.room.until({})).opened).toEqual([])
	worker.terminate()
	await now.room.until({ live: 0 })
})

describe('as before', () => {
	test('functions of a connection and of a channel work by themselves, and spread', async () => {
		const { before, now } = await compare(async ({ source, room }) => {
			const { select, close } = { ...source(room.url) }
			const { subscribe, json, transform } = { ...select('message') }
			const shown: unknown[] = []
			const stops = [
				subscribe((value) => shown.push(value)),
				json().subscribe(() => {}),
				transform((data) => data).subscribe(() => {})
			]
			await room.until({ live: 1 })
			await room.emit(['message', 'a'])
			await expect.poll(() => shown).toEqual(['', 'a'])
			for (const stop of stops) stop()
			close()
			await room.until({ live: 0 })
			return shown
		})
		expect(now).toEqual(before)
	})

	test('json without `or` shows null for what is not JSON, and with it what it returns', async () => {
		const { before, now } = await compare(async ({ source, room, log }) => {
			const channel = source(room.url).select('message')
			const [plain, kept, none] = [
				channel.json<number>(),
				channel.json<number>(({ previous }) => previous),
				channel.json<number | undefined>(() => undefined)
			]
			for (const store of [plain, kept, none]) follow(store)
			follow(channel, (data) => void log.push(data))
			await room.until({ live: 1 })
			await room.emit(['message', '1'], ['message', 'no JSON'])
			await expect.poll(() => log).toContain('no JSON')
			return [get(plain), get(kept), get(none)]
		})
		expect(before).toEqual([null, 1, undefined])
		expect(now).toEqual(before)
	})

	test('the nested callbacks and settings of a request work', async () => {
		const { before, now } = await compare(async ({ source, room, log }) => {
			const connection = source(room.url, {
				options: {
					method: 'PUT',
					body: 'x',
					headers: { 'last-event-id': '5' },
					onopen: ({ status }) => void log.push(['open', status]),
					onmessage: ({ event, data }) => void (event && log.push([event, data])),
					onclose: () => void log.push('close')
				}
			})
			follow(connection.select('message'))
			await room.until({ live: 1 })
			await room.emit(['message', 'a'])
			await expect.poll(() => log.length).toBe(2)
			connection.close()
			const { opened } = await room.until({ live: 0 })
			return { log, opened }
		})
		expect(before).toEqual({ log: [['open', 200], ['message', 'a'], 'close'], opened: ['5'] })
		expect(now).toEqual(before)
	})
})

// The last: in 0.14 a function that throws leaves every Svelte store of the page mute.
test('[throwing] functions that throw lose no event', async ({ problems }) => {
	const { before, now } = await compare(async (side) => {
		const { source, room, log } = side
		const channel = source(room.url).select('message')
		const fragile = channel.transform((data) => {
			if (data === 'bad') throw new Error('from the app')
			return data
		})
		follow(fragile, (data) => void (data && log.push(data)))
		await room.until({ live: 1 })
		await room.emit(['message', 'bad'])
		await expect.poll(() => problems.length).toBeGreaterThan(0)
		problems.length = 0
		await room.emit(['message', 'good'])
		if (side.source === sides().now.source) await happened(side, 1)
		return log
	})
	expect({ before, now }).toEqual({ before: [], now: ['good'] })
})
