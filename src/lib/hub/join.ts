import { clock } from '../clock.js'
import type { Broker, Cursor } from './broker.js'
import type { Delivery, Receiver } from './delivery.js'
import { Batch, Frame } from './frame.js'
import type { Recent } from './recent.js'

/** Entries that are looked at in one go. */
const pageSize = 256
/** Milliseconds before a broker that could not be read is asked again. */
const againAfter = 500
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
	/** Resolves when the log has moved on. */
	moved(): Promise<void>
}

/**
 * Brings a receiver from where it was to where the log is, and lets it take part from there: no gap, no duplicate.
 *
 *     waiting ──▶ replaying: the broker's pages ──▶ the process's own frames ──▶ joined
 *                     └── the past is gone: one gap ──────────────────────────────▲
 *
 * The last look at what follows, which finds nothing, and the joining happen in one go, without an `await` between them;
 * what comes later comes by delivery.
 *
 * @param from the cursor to go on from; undefined: from now on
 * @param greet gives what the receiver is shown where it does not go on from a cursor
 * @returns what ends its part
 */
export async function join(
	hub: Joinable,
	receiver: Receiver,
	from: Cursor | undefined,
	greet: () => readonly Frame[]
): Promise<() => void> {
	await hub.ready
	let at = from
	let budget = hub.maxReplay
	let patience = hub.maxReplay * looked
	while (!receiver.isOver) {
		if (at === undefined) {
			at = hub.recent.head!
			budget = hub.maxReplay
			patience = hub.maxReplay * looked
			await hand(receiver, greet())
			continue
		}
		const recent = hub.recent.after(at, pageSize)
		// From here to the end of the function nothing may be awaited: the receiver is where the log is.
		if (recent?.length === 0) break
		const frames = recent ?? (await readPage(hub, receiver, at))
		const own = frames?.filter(({ entry }) => isFor(receiver, entry)) ?? []
		budget -= own.length
		patience -= frames?.length ?? 0
		if (!frames || budget < 0 || patience < 0) {
			receiver.gap()
			at = undefined
			continue
		}
		await hand(receiver, own)
		at = frames.at(-1)?.entry.cursor ?? at
		// The broker is ahead of what this process has been handed, unless that has come meanwhile.
		if (frames.length === 0 && !hub.recent.after(at, 1)) await hub.moved()
	}
	if (receiver.isOver) return () => {}
	receiver.reached(hub.recent.head!)
	return hub.delivery.add(receiver)
}

/** Hands frames over in portions, at the pace of the client. */
async function hand(receiver: Receiver, frames: readonly Frame[]): Promise<void> {
	let portion: Frame[] = []
	let size = 0
	for (const frame of frames) {
		if (size > 0 && size + frame.text.length > receiver.portion) {
			receiver.take(new Batch(portion))
			await receiver.room()
			if (receiver.isOver) return
			portion = []
			size = 0
		}
		portion.push(frame)
		size += frame.text.length
	}
	if (size > 0) receiver.take(new Batch(portion))
	await receiver.room()
}

/** @returns undefined when the past behind the cursor is not whole any more */
async function readPage(
	hub: Joinable,
	receiver: Receiver,
	at: Cursor
): Promise<Frame[] | undefined> {
	while (!receiver.isOver) {
		try {
			const page = await hub.broker.read(at, { limit: pageSize })
			return page.gap ? undefined : page.entries.map((entry) => new Frame(entry))
		} catch {
			// Health says so already; the client waits with us.
			await new Promise<void>((resolve) => clock.setTimeout(resolve, againAfter))
		}
	}
	return undefined
}

function isFor({ topics, tag }: Receiver, entry: Frame['entry']): boolean {
	return !entry.control && topics.has(entry.topic) && (tag === undefined || entry.except !== tag)
}
