import { defineEvents, typed } from 'sveltekit-sse'
import type { PresenceEvent } from 'sveltekit-sse/hub'

/** One server process. */
export interface Machine {
	/** From 1; a process that was started in the place of another has its number. */
	number: number
	pid: number
}

/** What a process publishes. */
export interface Said {
	from: Machine
	/** Counts what this process has published, from 1. */
	number: number
	how: 'by itself' | 'by a button'
}

export const feed = defineEvents({
	/** The process that the stream comes from. */
	machine: typed<Machine>(),
	said: typed<Said>(),
	/** Asks a process to end at once. */
	kill: typed<{ pid: number }>(),
	presence: typed<PresenceEvent>()
})

/** Whether what the processes say comes once and in order. */
export interface Audit {
	received: number
	missing: number
	repeated: number
	/** The last number of each process. */
	last: ReadonlyMap<number, number>
	/** The newest first. */
	recent: Said[]
	/** The newest that someone has asked for. */
	asked?: Said
}

export const nothing: Audit = {
	received: 0,
	missing: 0,
	repeated: 0,
	last: new Map(),
	recent: []
}

export function audit(before: Audit, said: Said): Audit {
	const { pid } = said.from
	const last = before.last.get(pid) ?? said.number - 1
	return {
		received: before.received + 1,
		missing: before.missing + Math.max(0, said.number - last - 1),
		repeated: before.repeated + (said.number <= last ? 1 : 0),
		last: new Map([...before.last, [pid, Math.max(last, said.number)]]),
		recent: [said, ...before.recent].slice(0, 8),
		asked: said.how === 'by a button' ? said : before.asked
	}
}
