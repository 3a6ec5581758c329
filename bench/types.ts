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
	/**
	 * Keeps the events of one tick for clients that resume, where it has a past of its own.
	 *
	 * @returns the id to resume from
	 */
	remember?(tick: Tick): Promise<string>
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
	/** Which values are good ones; none are where only their spread counts. */
	better?: 'more' | 'less'
	/** Which contestant the ratios are about. @default 'ours' */
	ours?: string
	targets: Target[]
	rows: Row[]
}

export interface Row {
	/** Of the contestant, or what stands for it. */
	name: string
	/** Drawn as this library's, whatever its name. */
	isOwn?: boolean
	/** One for each measurement. */
	values: number[]
	/** What the value should be, as a mark in the plot. */
	promised?: number
	/** Microseconds of server CPU per event, one for each measurement. */
	costs?: number[]
	/** What else was seen, one for each measurement. */
	more?: Record<string, number[]>
}

/** What this library has to reach: as a ratio to another contestant, or as a value when there is none. */
export interface Target {
	against: string | undefined
	/** Which of the row's `more` it is about. @default its values */
	of?: string
	atLeast?: number
	atMost?: number
}
