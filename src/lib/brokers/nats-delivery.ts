import type { ConsumerConfig } from '@nats-io/jetstream'
import { clock, type Timer } from '../clock.js'
import { createEpoch } from '../hub/cursor.js'
import { SseError } from '../errors.js'
import type { NatsConnection, NatsStream } from './nats-stream.js'

/** A stored message as it arrives. */
export interface Delivered {
	readonly bytes: Uint8Array
	/** Its number in the stream. */
	readonly sequence: number
	/** When it was stored, in milliseconds since 1970. */
	readonly at: number
}

type Message = Parameters<
	NonNullable<NonNullable<Parameters<NatsConnection['subscribe']>[1]>['callback']>
>[1]

const millisecond = 1_000_000
const second = 1_000 * millisecond
/** How often an idle consumer says that it lives; after three times that it does not. */
const heartbeat = 1

/** Neither durable nor acknowledged: gone by itself when nobody asks any more. */
function consumer(from: number): Partial<ConsumerConfig> {
	return {
		ack_policy: 'none',
		deliver_policy: 'by_start_sequence',
		opt_start_seq: Math.max(1, from),
		inactive_threshold: 5 * second,
		mem_storage: true,
		num_replicas: 1
	}
}

/** The numbers are in the subject that an acknowledgement would go to; servers with domains put two more before. */
function parse(message: Message): (Delivered & { order: number }) | undefined {
	const tokens = (message.reply ?? '').split('.')
	const at = tokens.length > 9 ? 7 : 5
	const sequence = Number(tokens[at])
	const order = Number(tokens[at + 1])
	if (tokens[1] !== 'ACK' || !Number.isSafeInteger(sequence)) return undefined
	const nanoseconds = tokens[at + 2] ?? ''
	return { bytes: message.data, sequence, order, at: Number(nanoseconds.slice(0, -6)) }
}

function inbox(connection: NatsConnection): string {
	const { options } = connection as { options?: { inboxPrefix?: string } }
	return `${options?.inboxPrefix ?? '_INBOX'}.${createEpoch()}${createEpoch()}`
}

/**
 * Lets the server push everything from a message on, until the returned function is called.
 *
 * `lost` is called once, when messages may be missing: a number was skipped on the way, or heartbeats stay away.
 */
export async function deliver(
	connection: NatsConnection,
	stream: NatsStream,
	from: number,
	message: (delivered: Delivered) => void,
	lost: (error: Error) => void
): Promise<() => void> {
	const subject = inbox(connection)
	let order = 0
	// Looks, not time: after a sleep of this process the heartbeats that came meanwhile are yet to be read.
	let missed = 0
	let timer: Timer
	const stop = () => {
		clock.clearTimeout(timer)
		subscription.unsubscribe()
	}
	const fail = (error: Error) => {
		stop()
		lost(error)
	}
	const watch = () => {
		if (++missed > 3) {
			return fail(new SseError('network', 'The consumer on the NATS server is gone.'))
		}
		wait()
	}
	const wait = () => {
		timer = clock.setTimeout(watch, 1_000 * heartbeat)
	}
	const callback = (error: Error | null, arrived: Message) => {
		missed = 0
		if (error) return fail(error)
		const delivered = parse(arrived)
		if (!delivered) return answer(connection, arrived)
		if (delivered.order !== ++order) {
			return fail(new SseError('network', 'A message was lost on its way from the NATS server.'))
		}
		message(delivered)
	}
	const subscription = connection.subscribe(subject, { callback })
	try {
		await stream.manage(({ consumers }) => {
			return consumers.add(stream.name, {
				...consumer(from),
				deliver_subject: subject,
				flow_control: true,
				idle_heartbeat: heartbeat * second
			})
		})
	} catch (error) {
		stop()
		throw error
	}
	wait()
	return stop
}

/** Heartbeats and flow control: the server waits for an answer before it sends more. */
function answer(connection: NatsConnection, message: Message): void {
	const stalled = message.headers?.get('Nats-Consumer-Stalled')
	if (stalled) connection.publish(stalled)
	else if (message.reply) message.respond()
}

/**
 * Fetches `count` messages from one on, which are there; fewer if some were deleted, or if they are more than 8 MB.
 *
 * A server of a cluster whose copy lags has not all of them yet, and is waited for.
 */
export async function fetchMessages(
	connection: NatsConnection,
	stream: NatsStream,
	from: number,
	count: number
): Promise<Delivered[]> {
	const { name, delivered: before } = await stream.manage(({ consumers }) => {
		return consumers.add(stream.name, consumer(from))
	})
	// Where a copy does not reach that far, the consumer begins at its end (before 2.15).
	const batch = count + Math.max(0, from - 1 - before.stream_seq)
	const subject = inbox(connection)
	const next = `${stream.js.apiPrefix}.CONSUMER.MSG.NEXT.${stream.name}.${name}`
	const expires = stream.timeout * millisecond
	const pull = JSON.stringify({ batch, max_bytes: 8 * 1024 * 1024, expires })
	const messages: Delivered[] = []
	let end = () => {}
	const callback = (error: Error | null, arrived: Message) => {
		const delivered = error ? undefined : parse(arrived)
		// Anything else is a status: there are no more.
		if (!delivered) return end()
		if (delivered.sequence >= from) messages.push(delivered)
		if (delivered.sequence >= from + count - 1) end()
	}
	const subscription = connection.subscribe(subject, { callback })
	try {
		await stream.manage(() => {
			return new Promise<void>((resolve) => {
				end = resolve
				connection.publish(next, pull, { reply: subject })
			})
		})
		return messages
	} finally {
		subscription.unsubscribe()
		// It would go by itself after a while; nobody has to wait for that.
		stream.manage(({ consumers }) => consumers.delete(stream.name, name)).catch(() => {})
	}
}
