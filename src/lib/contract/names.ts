import { checkEventName, invalid } from '../parts/check.js'
import type { Schema } from './types.js'

/** What stands for any text in the name of an event. */
const wildcard = '${string}'

/** What a name can be if it is a pattern: `'order:${string}'` is `` `order:${string}` ``. */
export type EventName<K> = K extends `${infer Before}${typeof wildcard}${infer After}`
	? `${Before}${string}${EventName<After>}`
	: K

/** Finds the schema of a name, be it given as such or as a pattern. The exact name wins, then the first pattern. */
export function createLookup(
	events: Readonly<Record<string, Schema>>
): (name: string) => { key: string; schema: Schema } | undefined {
	const exact = new Map<string, Schema>()
	const patterns: { key: string; schema: Schema; test: (name: string) => boolean }[] = []
	for (const [key, schema] of Object.entries(events)) {
		checkEvent(key, schema)
		if (key.includes(wildcard)) patterns.push({ key, schema, test: compile(key) })
		else exact.set(key, schema)
	}
	return (name) => {
		const schema = exact.get(name)
		return schema ? { key: name, schema } : patterns.find(({ test }) => test(name))
	}
}

/** By hand, piece by piece: a regular expression of a pattern with several wildcards can take for ever. */
function compile(pattern: string): (name: string) => boolean {
	const pieces = pattern.split(wildcard)
	const first = pieces.shift()!
	const last = pieces.pop()!
	return (name) => {
		if (!name.startsWith(first) || !name.endsWith(last)) return false
		let at = first.length
		for (const piece of pieces) {
			const found = name.indexOf(piece, at)
			if (found < 0) return false
			at = found + piece.length
		}
		return at <= name.length - last.length
	}
}

function checkEvent(name: string, schema: unknown): void {
	checkEventName(name)
	const standard = (schema as Schema | null | undefined)?.['~standard']
	if (typeof standard?.validate !== 'function')
		throw invalid(
			`The schema of '${name}'`,
			'a Standard Schema (valibot, zod, arktype and others), or typed<T>() for a type alone',
			schema
		)
}
