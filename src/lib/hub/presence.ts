import { clock, type Timer } from '../clock.js'
import { SseError } from '../errors.js'
import { isLonger } from '../parts/bytes.js'
import { invalid } from '../parts/check.js'
import { maxSignal } from './broker.js'
import { createEpoch } from './cursor.js'
import type { Member } from './types.js'

/** Bytes of one member's `meta` as JSON. */
const maxMetaBytes = 2_048
/** Bytes of a signal that are left for the process that speaks and what it says of the members. */
const envelope = 200
/** Milliseconds in which changes of a topic are gathered before its streams are told. */
const gather = 50

/** What hubs tell one another. Signals may be lost: each process says again what it knows, and what is not said again ends. */
interface Signal {
	/** The process that speaks. */
	from: string
	/** A new process asks the others to say what they know. */
	hello?: true
	here?: [topic: string, id: string, meta: unknown][]
	/** Milliseconds for which those who are here count; `timeout` when it is not said. */
	within?: number
	gone?: [topic: string, id: string][]
}

interface Local {
	connections: number
	meta: unknown
	/** Runs while the last connection has gone and the grace is not over. */
	leaving: Timer | undefined
}

interface Remote {
	meta: unknown
	until: number
}

export interface PresenceOptions {
	grace: number
	timeout: number
	send(text: string): void
	/** The members of a topic are others than before. */
	changed(topic: string, members: Member[]): void
}

/**
 * Who is on which topic, over all processes.
 *
 * owner    each process owns its own members, and says of them every third of `timeout` that they are there
 * states   (of a member here)  here ──last connection gone──▶ leaving ──grace over──▶ gone;  leaving ──back──▶ here
 *          (of one elsewhere)  here ──said again──▶ here ──said gone, or not said for `timeout`──▶ gone
 */
export class Presence {
	readonly #options: PresenceOptions
	readonly #self = createEpoch()
	readonly #local = new Map<string, Map<string, Local>>()
	/** By topic, then by process and id. */
	readonly #remote = new Map<string, Map<string, Remote>>()
	readonly #told = new Map<string, string>()
	readonly #dirty = new Set<string>()
	#telling: Timer
	#round: Timer
	#isClosed = false

	constructor(options: PresenceOptions) {
		this.#options = options
	}

	/** @returns what takes this one connection off again */
	join(topic: string, { id, meta }: Member): () => void {
		const members = entryOf(this.#local, topic)
		const known = members.get(id)
		const member = known ?? { connections: 0, meta, leaving: undefined }
		clock.clearTimeout(member.leaving)
		member.leaving = undefined
		member.connections++
		const isNews = !known || JSON.stringify(known.meta) !== JSON.stringify(meta)
		member.meta = meta
		members.set(id, member)
		if (isNews) {
			this.#say({ here: [[topic, id, meta]] })
			this.#touch(topic)
		}
		this.#keepGoing()
		let isOn = true
		return () => {
			if (!isOn) return
			isOn = false
			if (--member.connections > 0 || this.#isClosed) return
			member.leaving = clock.setTimeout(() => this.#leave(topic, id), this.#options.grace)
		}
	}

	members(topic: string): Member[] {
		const found = new Map<string, Member>()
		const now = clock.now()
		for (const [key, { meta, until }] of this.#remote.get(topic) ?? [])
			if (until > now) found.set(idOf(key), asMember(idOf(key), meta))
		for (const [id, { meta }] of this.#local.get(topic) ?? []) found.set(id, asMember(id, meta))
		return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
	}

	/** This process can hear the others from now on. */
	start(): void {
		this.#say({ hello: true })
		this.#sayAll()
		this.#keepGoing()
	}

	/** What another process said. */
	hear(text: string): void {
		const signal = parse(text)
		if (!signal || signal.from === this.#self) return
		const until = clock.now() + (signal.within ?? this.#options.timeout)
		for (const [topic, id, meta] of signal.here ?? []) {
			entryOf(this.#remote, topic).set(keyOf(signal.from, id), { meta, until })
			this.#touch(topic)
		}
		for (const [topic, id] of signal.gone ?? []) {
			this.#remote.get(topic)?.delete(keyOf(signal.from, id))
			this.#touch(topic)
		}
		if (signal.hello) this.#sayAll()
		this.#keepGoing()
	}

	/** Says goodbye for all members of this process: they stay for the grace, in which they come back elsewhere. */
	close(): void {
		this.#sayAll(this.#options.grace)
		this.#isClosed = true
		clock.clearTimeout(this.#telling)
		clock.clearTimeout(this.#round)
		for (const members of this.#local.values())
			for (const { leaving } of members.values()) clock.clearTimeout(leaving)
		for (const map of [this.#local, this.#remote, this.#told]) map.clear()
	}

	#leave(topic: string, id: string): void {
		const members = this.#local.get(topic)
		members?.delete(id)
		if (members?.size === 0) this.#local.delete(topic)
		this.#say({ gone: [[topic, id]] })
		this.#touch(topic)
	}

	/** Says again who is here, and ends those elsewhere of whom nobody said it. */
	#keepGoing(): void {
		if (this.#round !== undefined || this.#isClosed) return
		if (this.#local.size === 0 && this.#remote.size === 0) return
		this.#round = clock.setTimeout(() => {
			this.#round = undefined
			this.#sayAll()
			const now = clock.now()
			for (const [topic, members] of this.#remote) {
				for (const [key, { until }] of members)
					if (until <= now && members.delete(key)) this.#touch(topic)
				if (members.size === 0) this.#remote.delete(topic)
			}
			this.#keepGoing()
		}, this.#options.timeout / 3)
	}

	#sayAll(within?: number): void {
		const here = [...this.#local].flatMap(([topic, members]) =>
			[...members].map(([id, { meta }]): [string, string, unknown] => [topic, id, meta])
		)
		for (const part of parts(here)) this.#say({ here: part, within })
	}

	#say(what: Omit<Signal, 'from'>): void {
		if (!this.#isClosed) this.#options.send(JSON.stringify({ from: this.#self, ...what }))
	}

	/** Marks a topic; a little later those whose members are others than last told are told once. */
	#touch(topic: string): void {
		this.#dirty.add(topic)
		this.#telling ??= clock.setTimeout(() => {
			this.#telling = undefined
			for (const dirty of this.#dirty) {
				const members = this.members(dirty)
				const text = JSON.stringify(members)
				if (text === (this.#told.get(dirty) ?? '[]')) continue
				if (members.length > 0) this.#told.set(dirty, text)
				else this.#told.delete(dirty)
				this.#options.changed(dirty, members)
			}
			this.#dirty.clear()
		}, gather)
	}
}

/**
 * A member as it is told to others: with a copy of its `meta`.
 *
 * @throws {SseError} `invalid-argument` for one that the other processes could not be told of.
 */
export function checkMember({ id, meta }: Member, topics: Iterable<string>): Member {
	if (typeof id !== 'string' || id === '' || id.length > 256)
		throw invalid('`member.id`', 'a string of 1 to 256 characters', id)
	const text = write(meta)
	if (isLonger(text, maxMetaBytes))
		throw invalid(
			'`member.meta`',
			`at most ${maxMetaBytes} bytes of JSON (keep what is large elsewhere, by id)`,
			meta
		)
	for (const topic of topics)
		if (isLonger(JSON.stringify([topic, id]) + text, maxSignal - envelope))
			throw new SseError(
				'invalid-argument',
				`The topic, \`member.id\` and \`member.meta\` take at most ${maxSignal - envelope} bytes of JSON together; shorten one.`
			)
	return asMember(id, JSON.parse(text))
}

function write(meta: unknown): string {
	try {
		return JSON.stringify(meta) ?? 'null'
	} catch (cause) {
		throw invalid('`member.meta`', 'what JSON can hold', meta, cause)
	}
}

/** Parts that each fit into a signal. */
function* parts<T>(all: T[]): Iterable<T[]> {
	let part: T[] = []
	let size = 0
	for (const item of all) {
		// No character of JSON takes more than three bytes.
		const weight = JSON.stringify(item).length * 3
		if (part.length > 0 && size + weight > maxSignal - envelope) {
			yield part
			part = []
			size = 0
		}
		part.push(item)
		size += weight
	}
	if (part.length > 0) yield part
}

function parse(text: string): Signal | undefined {
	try {
		const signal = JSON.parse(text) as Signal
		return typeof signal.from === 'string' ? signal : undefined
	} catch {
		return undefined
	}
}

function entryOf<V>(map: Map<string, Map<string, V>>, topic: string): Map<string, V> {
	let entry = map.get(topic)
	if (!entry) map.set(topic, (entry = new Map()))
	return entry
}

function keyOf(process: string, id: string): string {
	return `${process}:${id}`
}

function idOf(key: string): string {
	return key.slice(key.indexOf(':') + 1)
}

function asMember(id: string, meta: unknown): Member {
	return meta === undefined || meta === null ? { id } : { id, meta }
}
