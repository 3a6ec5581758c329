import { expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { listen, test } from './fixture.js'

// What `sveltekit-sse` 0.15 and other clients did wrong, and their users had to find out.

test('an id that was seen is sent with the next request, and so is `accept`', async ({
	connect,
	requests,
	clock
}) => {
	const { connection } = connect({ headers: { authorization: 'Bearer 1' } })
	connection.connect()
	await flushPromises()
	await requests.last.hello(30_000, 'id: 41\ndata: a\n\n')
	await requests.last.end()
	await clock.advance(250)
	expect(requests.all.map(({ headers }) => [...headers])).toEqual([
		[
			['accept', 'text/event-stream'],
			['authorization', 'Bearer 1'],
			['content-type', 'application/json']
		],
		[
			['accept', 'text/event-stream'],
			['authorization', 'Bearer 1'],
			['content-type', 'application/json'],
			['last-event-id', '41']
		]
	])
})

test('unsubscribing one channel leaves its siblings alone', async ({
	connect,
	requests,
	clock
}) => {
	const { connection } = connect()
	const first = connection.select('first').subscribe(() => {})
	const seen: string[] = []
	connection.select('second').subscribe((value) => seen.push(value))
	await flushPromises()
	await requests.last.hello()
	first()
	await clock.advance(60_000)
	await requests.last.write('event: second\ndata: a\n\n')
	expect(seen).toEqual(['', 'a'])
	expect(requests.count).toBe(1)
})

for (const type of [
	'text/event-stream; charset=utf-8',
	'text/event-stream;charset=UTF-8',
	'Text/Event-Stream',
	' text/event-stream ; x=y'
])
	test(`a content type of \`${type}\` is a stream`, async ({ connect, requests }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.answer('data: a\n\n', { headers: { 'content-type': type } })
		expect(connection.status).toBe('open')
	})

for (const type of [
	'text/html',
	'text/event-streams',
	'application/json',
	'text/plain; text/event-stream'
])
	test(`a content type of \`${type}\` is none`, async ({ connect, requests }) => {
		const { connection } = connect()
		connection.connect()
		await flushPromises()
		await requests.last.answer('data: a\n\n', { headers: { 'content-type': type } })
		await requests.last.end()
		expect(connection.status).toBe('closed')
	})

test('a server that cannot be reached at the first connect is told', async ({
	connect,
	requests
}) => {
	const { connection, log } = connect()
	connection.connect()
	await flushPromises()
	await requests.last.fail()
	expect(log).toEqual([
		'error network !network again in 250',
		'close network !network again in 250'
	])
	expect(connection).toMatchObject({
		status: 'reconnecting',
		attempt: 1,
		error: { code: 'network' }
	})
})

test('equal messages in a row all arrive, and heartbeats are no messages', async ({
	connect,
	requests
}) => {
	const heard: string[] = []
	const { connection } = connect({ message: ({ data }) => heard.push(data) })
	const { got } = listen(connection.select('message'))
	await flushPromises()
	await requests.last.hello(30_000, 'data: a\n\n:\n\ndata: a\n\n:\n\ndata: a\n\n')
	expect([heard, got]).toEqual([
		['a', 'a', 'a'],
		['a', 'a', 'a']
	])
	expect(connection.lastEventId).toBeUndefined()
})

test('a second handle has its own callbacks', async ({ connect, requests }) => {
	const [first, second] = [connect(), connect()]
	first.connection.connect()
	second.connection.connect()
	await flushPromises()
	await requests.last.hello()
	await requests.last.goodbye('denied')
	const expected = ['open accepted', 'error denied !denied', 'close denied !denied']
	expect([first.log, second.log]).toEqual([expected, expected])
	expect(requests.count).toBe(1)
})

test('`open` is told after the body was found to be a stream, not before', async ({
	connect,
	requests
}) => {
	const { connection, log } = connect()
	connection.connect()
	await flushPromises()
	await requests.last.refuse(200, '<h1>', { 'content-type': 'text/html' })
	expect(log).toEqual(['error refused !response', 'close refused !response'])
})

// The cache key was made by `btoa`, which throws on anything but Latin-1.
test('any letters may stand in the URL and the body', async ({ connect, requests }) => {
	const { connection } = connect({ body: 'привет 🙂' }, '/события?q=🙂')
	connection.connect()
	await flushPromises()
	expect(requests.last.url).toBe(new URL('/события?q=🙂', 'http://app.test').href)
})

// sse#65: a parse error was logged for the value before the first event. The fixture fails on any log.
test('json() is silent while there is no data', async ({ connect }) => {
	const channel = connect().connection.select('message').json()
	channel.subscribe(() => {})()
	expect([channel.current, channel.error]).toEqual([null, undefined])
})
