import { error } from '@sveltejs/kit'

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/** The id that `load` gave to this visit, which the page sends along as a header. */
export function sessionOf(request: Request): string {
	const id = request.headers.get('session-id') ?? ''
	if (!uuid.test(id)) error(400, 'The header session-id is missing, or is none of ours.')
	return id
}

/**
 * What the server remembers of single visits. It never remembers more than `max` of them: the visit that has not been
 * heard of for the longest time is forgotten first.
 */
export class Sessions<T> {
	readonly #values = new Map<string, T>()
	readonly #create: () => T
	readonly #forget: ((value: T) => void) | undefined
	readonly #max: number

	constructor(
		create: () => T,
		{ forget, max = 500 }: { forget?: (value: T) => void; max?: number } = {}
	) {
		this.#create = create
		this.#forget = forget
		this.#max = max
	}

	/** What is remembered of the visit that this request belongs to. */
	of(request: Request): T {
		const id = sessionOf(request)
		const value = this.#values.get(id) ?? this.#create()
		// Last in the map is last to go.
		this.#values.delete(id)
		this.#values.set(id, value)
		if (this.#values.size > this.#max) {
			const [oldest, forgotten] = this.#values.entries().next().value!
			this.#values.delete(oldest)
			this.#forget?.(forgotten)
		}
		return value
	}
}
