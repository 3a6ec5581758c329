import { DEV } from 'esm-env'
import { SseError } from '../errors.js'
import { Lazy, type Operator } from './operator.js'

/** How much a list keeps, and what takes the place of what. */
export interface ListOptions<T> {
	/** Items that are kept; the oldest go first. @default Infinity */
	max?: number | undefined
	/** An item with the key of one that is there takes its place. @default every event is an item of its own */
	key?: ((item: T) => PropertyKey) | undefined
}

/** Collects events. Adding one costs the same however long the list is; the array is made when someone looks. */
export function list<T>(options: ListOptions<T> = {}): Operator<T, T[], T[]> {
	const { max = Infinity, key } = options
	if (!(max >= 1))
		throw new SseError('invalid-argument', DEV ? `\`max\` must be 1 or more, not ${max}.` : 'max')
	// Both keep the order in which keys came; replacing a value keeps its place.
	let items = new Map<PropertyKey | object, T>()
	const snapshot = (): Lazy<T[]> => new Lazy(() => [...items.values()])
	return {
		initial() {
			items = new Map()
			return []
		},
		apply(item) {
			items.set(key ? key(item) : {}, item)
			if (items.size > max) items.delete(items.keys().next().value!)
			return { value: snapshot(), isEvent: true }
		},
		isLatest: false
	}
}
