/* eslint-disable no-empty-pattern -- Vitest reads from the pattern which fixtures another needs. */
import { test as base } from 'vitest'
import { clock as libraryClock, useClock, type Timer } from '../../../src/lib/clock.js'
import { produce } from '../../../src/lib/produce/produce.js'
import type { ProducerConnection, ProduceOptions, Start } from '../../../src/lib/produce/types.js'
import { manualClock, type ManualClock } from '../../../src/lib/testing/manual-clock.js'
import { startHttpServer, type Handler, type HttpServer } from '../../support/http-server.js'
import { StreamLog } from '../../support/stream-log.js'

/** One stream and everything that its producer was told. */
export class Produced {
	readonly connection: ProducerConnection
	readonly response: Response
	/** What ran at its end, as `[who, reason]`. */
	readonly stops: [string, string][] = []
	readonly errors: unknown[] = []

	constructor(options: ProduceOptions = {}, start: Start = () => {}) {
		let connection!: ProducerConnection
		this.response = produce(
			(given) => {
				connection = given
				return start(given)
			},
			{
				error: (error) => void this.errors.push(error),
				...options,
				stop: (source, reason) => {
					this.stops.push(['stop', reason])
					return options.stop?.(source, reason)
				}
			}
		)
		this.connection = connection
	}

	/** A stop function to return from `start`. */
	readonly returned = (_: unknown, reason: string): void =>
		void this.stops.push(['returned', reason])

	/** Reads it to its end, as a client does. */
	read(): StreamLog {
		return new StreamLog(this.response)
	}

	/** Reads it chunk by chunk, as text. */
	chunks(): () => Promise<string | undefined> {
		const reader = this.response.body!.getReader()
		const decoder = new TextDecoder()
		return async () => {
			const { value } = await reader.read()
			return value && decoder.decode(value)
		}
	}
}

interface Fixtures {
	/** Makes a stream; those that are left open are ended with the test. */
	open(options?: ProduceOptions, start?: Start): Produced
	/** Serves a handler over real HTTP. */
	serve(handler: Handler): Promise<HttpServer>
	/** The library's clock, moved by hand. */
	clock: ManualClock
	/**
	 * Ends the timers of the library with the test that set them: a stream that nobody read to its end sets one after the
	 * other for half a minute, and would go on with that in the clock of a later test.
	 */
	timers: void
}

export const test = base.extend<Fixtures>({
	timers: [
		async ({}, use) => {
			const system = { ...libraryClock }
			const set = new Set<Timer>()
			const restore = useClock({
				...system,
				setTimeout(run, delay) {
					const timer = system.setTimeout(run, delay)
					set.add(timer)
					return timer
				}
			})
			await use()
			restore()
			for (const timer of set) system.clearTimeout(timer)
		},
		{ auto: true }
	],
	open: async ({ timers: _ }, use) => {
		const all: Produced[] = []
		await use((options, start) => {
			const produced = new Produced(options, start)
			all.push(produced)
			return produced
		})
		for (const { connection } of all) connection.close()
	},
	serve: async ({ timers: _ }, use) => {
		const servers: HttpServer[] = []
		await use(async (handler) => {
			const server = await startHttpServer(handler)
			servers.push(server)
			return server
		})
		await Promise.all(servers.map((server) => server.kill()))
	},
	clock: async ({ timers: _ }, use) => {
		using clock = manualClock()
		await use(clock)
	}
})

/** A promise, and who settles it. */
export function gate<T = void>() {
	return Promise.withResolvers<T>()
}
