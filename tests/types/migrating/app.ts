// An app of 0.14 in strict TypeScript: every name that 0.14 exports, in every place where an app can use it. A test
// compiles it against the real 0.14.3 as well, so that nothing stands here that did not compile there.

import {
	produce,
	source,
	type ClosePayload,
	type Connection,
	type Emitter,
	type Event,
	type EventListener,
	type FetchEventSourceInit,
	type FetchEventSourceMessage,
	type Jsonifier,
	type JsonPredicate,
	type JsonPredicatePayload,
	type OnCancel,
	type Pretty,
	type ProducePayload,
	type Source,
	type SourceConfiguration,
	type SourceSelect,
	type SourceSelected,
	type SourceSelectedTransform,
	type Start,
	type Stop,
	type Transformer,
	type Unsafe
} from 'sveltekit-sse'
import { derived, get, readable, type Readable, type Writable } from 'svelte/store'

interface Order {
	id: string
	total: number
}

// --- The server ---

/** The map of emitters that the README of 0.14 shows, by each of the ways to name an emitter. */
export const clients = new Map<string, Emitter>()
export const streams = new Set<Connection>()
export const emits: Connection['emit'][] = []
export const given: Parameters<Parameters<typeof produce>[0]>[0]['emit'][] = []
export const untyped = new Map<string, (eventName: string, data: string) => Unsafe<void, Error>>()

const start: Start = (connection) => {
	const { emit, lock, source: underlying } = connection
	streams.add(connection)
	clients.set('session', emit)
	untyped.set('session', emit)
	emits.push(emit)
	given.push(emit)
	const kept: Writable<boolean> = lock
	const text: UnderlyingDefaultSource<string> = underlying
	kept.set(false)
	lock.update((locked) => !locked)
	const stop: Stop = (stream) => void stream.cancel?.(text)
	return stop
}

const onCancel: OnCancel = async (stream) => void stream
const stopText = (stream: UnderlyingDefaultSource<string>): void => void stream.type

const stopper: Stop = (stream) => void stream
export const stoppers: OnCancel[] = [stopper, onCancel]
export const stopped: ProducePayload = { stop: stopper }
const payload: ProducePayload = { headers: { 'x-app': '1' }, ping: 4_000, stop: onCancel }
export const header: string | undefined = payload.headers?.['x-app']

function begin({ emit }: Connection): OnCancel {
	const { value, error }: Unsafe<void> = emit('order', JSON.stringify({ id: '1', total: 1 }))
	if (error) throw error
	return () => value
}

export function POST(): Response {
	return produce(start, payload)
}

export const responses: ReturnType<typeof produce>[] = [
	produce(begin),
	produce(begin, { stop: stopText }),
	produce(() => stopText, { stop: onCancel, headers: { 'x-app': '1' } }),
	produce(async () => stopText),
	produce(async ({ emit }: Connection) => {
		while (true) {
			const { error } = emit('message', 'hello')
			if (error) return
		}
	}),
	produce(({ emit }) => void emit('message', 'hello'), { ping: undefined, stop: undefined })
]

export function wrapped(
	run: Parameters<typeof produce>[0],
	options?: Parameters<typeof produce>[1]
): Response {
	return produce(run, options)
}
wrapped(({ emit }) => void emit('message', 'hello'), { stop: stopText })

/** A class as an underlying source, as the types of the DOM have it. */
class Numbers implements UnderlyingDefaultSource<string> {
	start(controller: ReadableStreamDefaultController<string>): void {
		controller.enqueue('1')
	}
	cancel(): void {}
}
onCancel(new Numbers())
stopText(new Numbers())

// --- The client ---

const heard = ({ id, event, data, isLocal, status, statusText, headers, error }: Event): string =>
	[id, event, data, isLocal, status, statusText, headers.get('a'), error?.message].join()
const listener: EventListener = (event) => {
	heard(event)
	event.connect()
	event.close()
}
heard({
	id: '',
	event: 'close',
	data: '',
	isLocal: true,
	status: 200,
	statusText: 'OK',
	headers: new Headers(),
	connect() {},
	close() {}
})

const message = ({ id, event, data, retry }: FetchEventSourceMessage): string =>
	[id, event, data, retry].join()
const init: FetchEventSourceInit = {
	signal: new AbortController().signal,
	method: 'PUT',
	body: JSON.stringify({ a: 1 }),
	headers: { authorization: 'Bearer' },
	openWhenHidden: false,
	onopen: (response) => void response.status,
	onmessage: message,
	onclose() {},
	onerror: (error) => void error.message
}
const configuration: SourceConfiguration = {
	open: listener,
	close: listener,
	error: listener,
	options: init,
	cache: false
}

const connections: Source[] = [
	source('/orders', configuration),
	source('/orders', { close: ({ connect }) => connect() }),
	source('/orders', { options: init }),
	source('/orders', {
		options: { method: undefined, headers: undefined, signal: undefined },
		cache: undefined
	})
]
for (const connection of connections) connection.close()

const inferred: ReturnType<typeof source> = source('/orders')
const text: Readable<string> = inferred.select('order')
const channels: ReturnType<ReturnType<typeof source>['select']>[] = [inferred.select('order')]
const selected: Readable<string> & SourceSelected = inferred.select('order')
const { select }: { select: SourceSelect } = connections[0]!

const jsonify: Jsonifier = selected.json
const transform: SourceSelectedTransform = selected.transform
const or: JsonPredicate<Order | null> = ({ error, raw, previous }) => {
	console.error(error.message, raw.length)
	return previous
}
const transformer: Transformer<number | null> = (data) => data.length
export const stores: [
	Readable<Order | null>,
	Readable<Order | null>,
	Readable<Order | null>,
	Readable<number | null>,
	Readable<number | null>,
	Readable<string | null>
] = [
	inferred.select('order').json<Order>(),
	inferred.select('order').json(or),
	jsonify<Order>(or),
	transform<number>(transformer),
	channels[0]!.transform<number>(transformer),
	source('/orders')
		.select('order')
		.transform((data) => `got ${data}`)
]
export const defaulted = inferred.select('stats').json(() => ({ cpu: '0 %', memory: '0 MB' }))
export const cpu: Readable<string | undefined> = derived(defaulted, (stats) => stats?.cpu)
export const upper: Readable<string> = derived(select('order'), ($order) => $order.toUpperCase())
export const now: string = get(text)
export const failed = ({ error, raw, previous }: JsonPredicatePayload<Order | null>): string =>
	[error.message, raw, previous?.id].join()

/** A stand-in for a connection, as a test of a component has it. */
const mock: Source = {
	close() {},
	select: () => ({
		...readable(''),
		json: () => readable(null),
		transform: () => readable(null)
	})
}
connections.push(mock)

export const reasons: ClosePayload[] = [{ reason: 'done' }, {}]
export const pretty: Pretty<Order & { paid: boolean }> = { id: '1', total: 1, paid: true }
