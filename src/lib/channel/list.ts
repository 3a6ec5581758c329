import { DEV } from 'esm-env'
import { SseError } from '../errors.js'
import { invalid } from '../parts/check.js'
import { Lazy, type Operator } from './operator.js'

/** How many items a list keeps, and which items replace others. */
export interface ListOptions<T> {
	/** The number of items that are kept; the oldest go first. @default Infinity */
	max?: number | undefined
	/** Returns the key of an item; an item replaces the item with the same key. @default every event is an item of its own */
	key?: ((item: T) => PropertyKey) | undefined
	/**
	 * Whether the list starts over when the connection comes back with a stream that did not resume. Use it for a server that
	 * sends all items at each connect.
	 * @default false
	 */
	restart?: boolean | undefined
}

/** Collects events. Adding one costs the same however long the list is; the array is made when someone looks. */
export function list<T>({ max = Infinity, key, restart }: ListOptions<T> = {}): Operator<
	T,
	T[],
	T[]
> {
	if (!(max >= 1))
		throw DEV ? invalid('`max`', '1 or more', max) : new SseError('invalid-argument', 'max')
	// Both keep the order in which keys came; replacing a value keeps its place.
	const items = new Map<PropertyKey | object, T>()
	return {
		initial: () => [],
		apply(item) {
			items.set(key ? key(item) : {}, item)
			if (items.size > max) items.delete(items.keys().next().value!)
			return new Lazy(() => [...items.values()])
		},
		reset: () => items.clear(),
		isLatest: false,
		restarts: restart
	}
}
