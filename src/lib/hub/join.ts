import { clock } from '../clock.js'
import { SseError } from '../errors.js'
import { within } from '../parts/within.js'
import type { Broker, Cursor, Page } from './broker.js'
import { compareCursors } from './cursor.js'
import { pass, type Delivery, type Receiver } from './delivery.js'
import { Batch, Frame } from './frame.js'
import type { Recent } from './recent.js'

/** Entries that are looked at in one go. */
const pageSize = 256
/** Milliseconds before a broker that could not be read is asked again. */
const againAfter = 500
/** Milliseconds in which the broker has to say where the log ends. */
const headTimeoutMs = 10_000
/** How many entries of other topics may be looked through for each event that a client may be sent. */
const looked = 10

/** What joining needs of a hub. */
export interface Joinable {
	readonly broker: Broker
	readonly recent: Recent
	readonly delivery: Delivery
	readonly maxReplay: number
	/** Resolves when this process has reached the end of the log for the first time. */
	readonly ready: Promise<void>
	/** How often the log had a hole. */
	readonly losses: number
	/** The end of the log, not from before this call. */
	head(): Promise<Cursor>
	/** Resolves when the log has moved on. */
	moved(): Promise<void>
}

/**
 * Brings a receiver from where it was to where the log is, and lets it take part from there: no gap, no duplicate.
 *
 *     waiting ──▶ replaying: the broker's pages ──▶ the process's own frames ──▶ joined
 *                     └── the past is gone: one gap ──────────────────────────────▲
 *
 * Nobody joins before the process has come to where the log was at the call: what was published before belongs to the
 * past, however far the process lags behind.
 *
 * The last look at what follows, which finds nothing, and the joining happen in one go, without an `await` between them;
 * what comes later comes by delivery. A receiver whose topics are all over is told so then.
 *
 * @param from the cursor to go on from; undefined: from now on
 * @param greet gives what the receiver is shown of the past up to a place, where it does not go on from a cursor
 * @returns what ends its part
 */
export async function join(
	hub: Joinable,
	receiver: Receiver,
	from: Cursor | undefined,
	greet: (at: Cursor) => readonly Frame[]
): Promise<() => void> {
	const asked = within(hub.head(), headTimeoutMs, () => new Error('The broker does not answer.'))
	const [head] = await Promise.allSettled([asked, hub.ready])
	// Where the broker is away, what this process knows has to do.
	const since = head.status === 'fulfilled' ? head.value : hub.recent.head!
	receiver.begin(since, head.status === 'fulfilled')
	const { losses } = hub
	const isBehind = (): boolean =>
		hub.losses === losses && (compareCursors(since, hub.recent.head!) ?? 0) > 0
	/** The topics that were over at the place to which it has come. */
	const over = new Map<string, Frame>()
	let at = from
	/** Where it begins, if it does not go on from a cursor, nor behind a gap. */
	let start: Cursor | undefined = since
	let budget = hub.maxReplay
	let patience = hub.maxReplay * looked
	while (!receiver.isOver) {
		if (at === undefined) {
			if (isBehind()) {
				await hub.moved()
				continue
			}
			const isThere = hub.losses === losses && compareCursors(since, hub.recent.head!) !== undefined
			at = (isThere ? start : undefined) ?? hub.recent.head!
			start = undefined
			over.clear()
			budget = hub.maxReplay
			patience = hub.maxReplay * looked
			await hand(receiver, greet(at))
			continue
		}
		const recent = hub.recent.after(at, pageSize)
		if (recent?.length === 0) {
			// From here to the end of the function nothing may be awaited: the receiver is where the log is.
			if (!isBehind()) break
			await hub.moved()
			continue
		}
		const frames = recent ?? (await readPage(hub, receiver, at))
		const own = frames?.filter((frame) => isFor(receiver, frame)) ?? []
		budget -= own.length
		patience -= frames?.length ?? 0
		if (!frames || budget < 0 || patience < 0) {
			receiver.gap(hub.recent.head!)
			at = undefined
			continue
		}
		for (const frame of frames)
			if (!receiver.topics.has(frame.entry.topic)) continue
			else if (frame.isDone) over.set(frame.entry.topic, frame)
			else if (frame.kind === 'event') over.delete(frame.entry.topic)
		await hand(receiver, own)
		at = frames.at(-1)?.entry.cursor ?? at
		// The broker is ahead of what this process has been handed, unless that has come meanwhile.
		if (frames.length === 0 && !hub.recent.after(at, 1)) await hub.moved()
	}
	if (!receiver.isOver) receiver.reached(hub.recent.head!)
	const ends = [...receiver.topics].map((topic) => hub.recent.end(topic) ?? over.get(topic))
	if (!receiver.isOver && ends.every((end) => end)) receiver.over()
	return receiver.isOver ? () => {} : hub.delivery.add(receiver)
}

/** Hands frames over in portions, at the pace of the client. */
async function hand(receiver: Receiver, frames: readonly Frame[]): Promise<void> {
	let portion: Frame[] = []
	let size = 0
	const send = async (): Promise<void> => {
		if (portion.length > 0) receiver.take(new Batch(portion))
		portion = []
		size = 0
		await receiver.room()
	}
	for (const frame of frames) {
		const isEvent = frame.kind === 'event'
		if (!isEvent || (size > 0 && size + frame.text.length > receiver.portion)) await send()
		if (receiver.isOver) return
		if (isEvent) {
			portion.push(frame)
			size += frame.text.length
		} else pass(frame, receiver)
	}
	await send()
}

/**
 * @returns undefined when the past behind the cursor is not whole any more
 * @throws what the engine refuses for good
 */
async function readPage(
	hub: Joinable,
	receiver: Receiver,
	at: Cursor
): Promise<Frame[] | undefined> {
	let page: Page | undefined
	while (!page && !receiver.isOver) {
		try {
			page = await hub.broker.read(at, { limit: pageSize })
		} catch (thrown) {
			if (thrown instanceof SseError && thrown.code === 'failed') throw thrown
			// Health says so already; the client waits with us.
			await new Promise<void>((resolve) => clock.setTimeout(resolve, againAfter))
		}
	}
	return page?.gap ? undefined : page?.entries.map((entry) => new Frame(entry))
}

function isFor({ topics, tag }: Receiver, { kind, entry }: Frame): boolean {
	if (kind === 'other' || !topics.has(entry.topic)) return false
	return tag === undefined || entry.except !== tag
}
