import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a producer sends before it gives way to the event loop, in the forms that contestants need. */
export interface Tick {
	/** The data of each event, flat one-byte strings. */
	texts: string[]
	/** The frame of each event, as ready bytes. */
	frames: Buffer[]
	/** All frames in one piece. */
	whole: Buffer
}

/** One open stream, as the producer holds it. */
export interface Stream {
	/** Sends the events of one tick; a promise is waited for, as that contestant's users do. */
	send(tick: Tick): unknown
}

/** Hears from a contestant about one client. */
export interface Visit {
	opened(stream: Stream): void
	/** The contestant has noticed that the client left. */
	stopped(): void
}

export interface Contestant {
	/** Answers one request with an endless stream. */
	serve(incoming: IncomingMessage, response: ServerResponse, visit: Visit): unknown
	/** Sends one tick to all of its streams, where it has a better way than one after the other. */
	broadcast?(streams: Iterable<Stream>, tick: Tick): unknown
	/** What has to be there before the first request. */
	prepare?(): Promise<void>
}

/** How a workload is to be run. */
export interface Options {
	/** Measurements of each contestant. */
	repeats: number
	/** Milliseconds that one measurement takes. */
	time: number
	/** Fewer of everything. */
	quick: boolean
	/** Who takes part. */
	only(name: string): boolean
}

/** What a workload brings. */
export interface Table {
	name: string
	title: string
	/** What was done. */
	text: string
	unit: string
	better: 'more' | 'less'
	/** Which contestant the ratios are about. @default 'ours' */
	ours?: string
	targets: Target[]
	rows: Row[]
}

export interface Row {
	/** Of the contestant. */
	name: string
	/** One for each measurement. */
	values: number[]
	/** Microseconds of server CPU per event, one for each measurement. */
	costs?: number[]
	/** What else was seen, one for each measurement. */
	more?: Record<string, number[]>
}

/** What this library has to reach: as a ratio to another contestant, or as a value when there is none. */
export interface Target {
	against: string | undefined
	atLeast?: number
	atMost?: number
}
