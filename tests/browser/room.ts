import { inject } from 'vitest'

interface Standing {
	/** Streams that are open now. */
	live: number
	/** `Last-Event-ID` of each stream that was opened. */
	opened: (string | null)[]
	/** The query of each. */
	queries: string[]
	/** The `Accept` of each. */
	accepts: (string | null)[]
}

/** One test's part of the real server. */
export class Room {
	readonly address = `${inject('serverUrl')}/${crypto.randomUUID()}`
	readonly url = `${this.address}/stream`

	/** The address of an answer of any server's: `status`, `type`, `text`; `hold` keeps it open. */
	answer(query: { status?: string; type?: string; text: string; hold?: string }): string {
		return `${this.address}/answer?${new URLSearchParams(query)}`
	}

	/** Breaks off the answers that are kept open. */
	async cut(): Promise<void> {
		await this.#post('cut', null)
	}

	/** Sends events to every stream that is open. */
	async emit(...events: [name: string, data: unknown, id?: string][]): Promise<void> {
		await this.#post('emit', events)
	}

	/** Ends every stream that is open. */
	async end(reason: string, options: { retry?: number } = {}): Promise<void> {
		await this.#post('end', [reason, options])
	}

	/** Resolves once so many streams are open, and have been opened. */
	async until(standing: { live?: number; opened?: number }): Promise<Standing> {
		const query = new URLSearchParams(standing as Record<string, string>)
		return (await fetch(`${this.address}/until?${query}`)).json()
	}

	async #post(action: string, body: unknown): Promise<void> {
		await fetch(`${this.address}/${action}`, { method: 'POST', body: JSON.stringify(body) })
	}
}
