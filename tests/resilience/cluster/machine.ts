import { setTimeout as pause } from 'node:timers/promises'
import { startApp, type App } from '../../../scripts/app.mjs'
import type { Random } from '../../support/random.js'

/** One server process of the built site, on a port that it keeps, and who publishes by it. */
export class Machine implements AsyncDisposable {
	readonly port: number
	/** What it said is stored. */
	readonly acknowledged: string[] = []
	/** Publishes that ended without an answer, or with an error: stored or not. */
	doubtful = 0
	readonly #env: Record<string, string>
	#app: App | undefined
	#up = Promise.withResolvers<void>()

	constructor(port: number, env: Record<string, string>) {
		this.port = port
		this.#env = env
	}

	get isUp(): boolean {
		return this.#app !== undefined
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`
	}

	async start(): Promise<void> {
		this.#app = await startApp({ port: this.port, env: this.#env, quiet: true })
		this.#up.resolve()
	}

	/** Ends it as a power cut would. */
	async kill(): Promise<void> {
		const app = this.#app
		this.#app = undefined
		this.#up = Promise.withResolvers()
		await app?.stop('SIGKILL')
	}

	/** Publishes numbers until the signal aborts; what met a dead machine is not sent again. */
	async publish(random: Random, ended: AbortSignal): Promise<void> {
		for (let number = 1; !ended.aborted; number++) {
			// A machine that stays dead must not keep the end waiting.
			await Promise.race([this.#up.promise, pause(1_000)])
			if (!this.isUp) continue
			const text = `${this.port}:${number}`
			if (await this.say(text)) this.acknowledged.push(text)
			else this.doubtful++
			await pause(random.int(20, 80))
		}
	}

	/** @returns whether it said that this is stored */
	async say(text: string): Promise<boolean> {
		try {
			const response = await fetch(`${this.url}/chat/events?room=lobby`, {
				method: 'PUT',
				headers: {
					'session-id': crypto.randomUUID(),
					// A connection that is kept may have died with the machine, or of being idle.
					connection: 'close',
					'content-type': 'application/json'
				},
				body: JSON.stringify(text)
			})
			await response.text()
			return response.ok
		} catch {
			return false
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill()
	}
}
