import { setTimeout as pause } from 'node:timers/promises'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.js'
import { startHttpServer, type HttpServer } from '../../support/http-server.js'
import { Random } from '../../support/random.js'
import type { Client } from './client.js'
import { drawFault } from './faults.js'
import type { FastClock } from './fast-clock.js'
import { LoopClient } from './loop-client.js'
import { HubNumbers, PlainNumbers, type Numbers } from './numbers.js'
import { PageClient } from './page-client.js'

/** Milliseconds after the last fault until everything has to be well again, on a machine that does much else. */
const patience = 60_000

export interface Outcome {
	faults: number
	requests: number
	received: number
	gaps: number
}

/** A stream, a client, and what comes between them. */
export class Sequence {
	readonly random: Random
	readonly numbers: Numbers
	readonly server: HttpServer
	readonly proxy: FaultProxy
	readonly client: Client
	#doing: Promise<unknown> = Promise.resolve()
	#isCounting = true

	/** Whether anything but the network may have cost a number. */
	#isDisturbed = false

	constructor(
		random: Random,
		numbers: Numbers,
		server: HttpServer,
		proxy: FaultProxy,
		clock: FastClock
	) {
		this.random = random
		this.numbers = numbers
		this.server = server
		this.proxy = proxy
		const Kind = random.chance(0.5) ? PageClient : LoopClient
		this.client = new Kind(clock, `${proxy.url}/numbers`)
	}

	/** Does something to the server once the last such thing is done. */
	serially(run: () => unknown): void {
		this.#doing = this.#doing.then(run)
	}

	/** Counts on, in one burst. */
	count(burst: number): void {
		for (let left = burst; left > 0; left--) this.serially(() => this.numbers.count())
	}

	async run(): Promise<Outcome> {
		const { random, client, proxy, numbers } = this
		const steps = random.int(4, 12)
		client.do(() => client.begin())
		const counting = this.#keepCounting(random.fork())
		const undoings: (() => unknown)[] = []
		for (let step = 0; step < steps; step++) {
			if (random.chance(0.5)) proxy.clear()
			const { name, fault } = drawFault(this)
			client.note(`--- ${name}`)
			if (client.costly.includes(name)) this.#isDisturbed = true
			const undo = fault(this, random.fork())
			if (undo) undoings.push(undo)
			await pause(random.chance(0.15) ? random.int(200, 1_500) : random.int(0, 120))
			if (undoings.length > 0 && random.chance(0.6)) undoings.shift()!()
		}
		client.note('--- all faults end')
		for (const undo of undoings) undo()
		this.#isCounting = false
		await counting
		await this.#heal()
		await this.#converge()
		if (numbers.isWhole && !this.#isDisturbed && client.gaps > 0)
			client.violated('a gap was told, and nothing is missing')
		client.close()
		const { received, gaps, wire } = client
		return { faults: steps, requests: wire.requests, received, gaps }
	}

	/** Leaves the server behind, and checks that it has noticed. */
	async close(): Promise<void> {
		this.#isCounting = false
		await this.#doing
		await this.proxy.close()
		await this.server[Symbol.asyncDispose]()
		await this.numbers.close()
	}

	async #keepCounting(random: Random): Promise<void> {
		while (this.#isCounting) {
			await pause(random.int(1, 40))
			this.count(random.chance(0.1) ? random.int(5, 20) : 1)
		}
	}

	async #heal(): Promise<void> {
		this.proxy.clear()
		await this.proxy.accept()
		this.serially(() => this.server.start())
		await this.#doing
		this.client.do(() => this.client.reopen())
	}

	async #converge(): Promise<void> {
		const deadline = performance.now() + patience
		const { client, numbers } = this
		while (!client.has(numbers.last)) {
			if (performance.now() > deadline) {
				const stand = `${client.stand}, of ${numbers.last}`
				return client.violated(`not whole after ${patience} ms: ${stand}`)
			}
			await pause(20)
			// A last goodbye may still have been on its way.
			client.do(() => client.reopen())
			// One that came only now, without a past, has nothing to catch up with.
			if (client.lacks(numbers.last)) await numbers.count()
		}
	}
}

/** Runs one sequence of faults; throws with the whole story if a rule was broken. */
export async function runSequence(seed: number, clock: FastClock): Promise<Outcome> {
	const random = new Random(seed)
	const kept = random.pick([15, 40, 100_000])
	const numbers = random.chance(0.5) ? new HubNumbers(kept) : new PlainNumbers(kept)
	const server = await startHttpServer((request) => numbers.respond(request))
	const proxy = await startFaultProxy(server.port)
	const sequence = new Sequence(random, numbers, server, proxy, clock)
	const { client } = sequence
	try {
		const outcome = await sequence.run()
		await sequence.close()
		const { opened, stopped } = numbers
		if (opened !== stopped) client.violated(`${opened} streams were opened, ${stopped} stopped`)
		if (client.wire.bodies > 0) client.violated(`${client.wire.bodies} bodies are left`)
		if (client.violations.length === 0) return outcome
	} catch (error) {
		client.violated(String((error as Error).stack))
	} finally {
		client.close()
		await sequence.close()
	}
	const kind = `${client.constructor.name}, ${numbers.constructor.name}, ${kept} kept`
	const [first, ...others] = client.violations
	// A summary may show the first line and no more.
	throw new Error(
		[`${first} (SEED=${seed} replays it: ${kind})`, ...others, ...client.log].join('\n')
	)
}
