import older from 'typescript-5.9'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { Editor } from './editor/editor.js'

const versions: [string, typeof ts][] = [
	['5.9', older as unknown as typeof ts],
	['6.0', ts]
]

const contract = `
import { defineEvents, produce, source, typed } from 'sveltekit-sse'
import * as v from 'valibot'

export const feed = defineEvents({
	order: v.object({ id: v.string(), total: v.number() }),
	tick: typed<number>(),
	at: v.pipe(v.string(), v.transform((text) => new Date(text)))
})
const connection = source('/orders', { events: feed })
`

describe.for(versions)('TypeScript %s', ([version, typescript]) => {
	const editor = new Editor(typescript)

	test('is the version that is meant', () => {
		expect(typescript.version).toMatch(new RegExp(`^${version}`))
	})

	test('passes the type tests', () => {
		const file = fileURLToPath(new URL('contract.test-d.ts', import.meta.url))
		expect(editor.check([file])).toEqual([])
	})

	test('completes names in select', () => {
		expect(editor.complete(`${contract}connection.select('|')`)).toEqual(['at', 'order', 'tick'])
	})

	test('completes names in emit', () => {
		const code = `${contract}produce(({ emit }) => void emit('|'), { events: feed })`
		expect(editor.complete(code)).toEqual(['at', 'order', 'tick'])
	})

	test('completes what an event carries', () => {
		const emit = `${contract}produce(({ emit }) => void emit('order', { | }), { events: feed })`
		expect(editor.complete(emit)).toEqual(['id', 'total'])
		expect(editor.complete(`${contract}connection.select('order').current?.|`)).toEqual([
			'id',
			'total'
		])
	})

	test('completes names in initial and in an async iterable', () => {
		expect(editor.complete(`${contract}source('/', { events: feed, initial: { | } })`)).toEqual([
			'at',
			'order',
			'tick'
		])
		const yielded = `${contract}produce(async function* () { yield { event: '|' } }, { events: feed })`
		expect(editor.complete(yielded)).toEqual(['at', 'order', 'tick'])
	})

	test('shows the payload on hovering', () => {
		expect(editor.hover(`${contract}const ord|er = connection.select('order')`)).toBe(
			'const order: SseChannel<{ id: string; total: number; }, { id: string; total: number; } | undefined>'
		)
		expect(editor.hover(`${contract}const dat|e = connection.select('at').current`)).toBe(
			'const date: Date | undefined'
		)
		expect(editor.hover(`${contract}void fe|ed`)).toBe(
			'const feed: Contract<{ order: { id: string; total: number; }; tick: number; at: Schema<string, Date>; }>'
		)
		expect(editor.hover(`${contract}void connec|tion`)).toBe(
			'const connection: SseConnection<{ order: { id: string; total: number; }; tick: number; at: Schema<string, Date>; }>'
		)
	})

	test('shows what is to be emitted on hovering', () => {
		const call = `${contract}produce(({ emit }) => void em|it('tick', 1), { events: feed })`
		expect(editor.hover(call)).toMatch(/name: "tick", data: number, options\?: EmitOptions/)
	})

	test('says what is wrong in one line', () => {
		const wrong = (code: string) => editor.errors(contract + code)
		expect(wrong(`connection.select('ordre')`)).toEqual([
			`Argument of type '"ordre"' is not assignable to parameter of type '"order" | "tick" | "at"'.`
		])
		expect(wrong(`produce(({ emit }) => void emit('tick', 'one'), { events: feed })`)).toEqual([
			`Argument of type 'string' is not assignable to parameter of type 'number'.`
		])
		expect(
			wrong(`produce(({ emit }) => void emit('order', { id: '1' }), { events: feed })`)
		).toEqual([
			`Argument of type '{ id: string; }' is not assignable to parameter of type '{ id: string; total: number; }'.`
		])
		expect(wrong(`defineEvents({ tick: 'number' })`)).toEqual([
			`Type 'string' is not assignable to type 'Schema<unknown, unknown>'.`
		])
		expect(
			wrong(`defineEvents({ at: v.pipe(v.string(), v.transform(Number)) }, { validate: 'server' })`)
		).toEqual([`Type '"server"' is not assignable to type '"both" | "client" | undefined'.`])
	})

	test('finds every place when an event is renamed', () => {
		const renamed = contract.replace('order:', 'purchase:')
		const app = `
connection.select('order')
source('/', { events: feed, initial: { order: { id: '1', total: 1 } } })
produce(({ emit }) => void emit('order', { id: '1', total: 1 }), { events: feed })
produce(async function* () { yield { event: 'order', data: { id: '1', total: 1 } } }, { events: feed })
`
		expect(editor.errors(contract + app)).toEqual([])
		expect(editor.errors(renamed + app)).toHaveLength(4)
	})

	test('takes a contract of 200 events without effort, and one of twice as many with twice as much', () => {
		const costs = [100, 200].map((count) => instantiationsOf(editor, count))
		console.log(
			`TypeScript ${version}: ${costs[1]} instantiations for a contract of 200 events, each selected and emitted`
		)
		expect(costs[1]).toBeLessThan(120_000)
		expect(costs[1]! / costs[0]!).toBeLessThan(2.2)
	})
})

/** What a contract and the use of each of its events cost, on top of the schemas. */
function instantiationsOf(editor: Editor, count: number): number {
	const names = Array.from({ length: count }, (_, index) => `event${index}`)
	const imports = `import { defineEvents, source, type Emit, type EventsOf } from 'sveltekit-sse'\nimport * as v from 'valibot'\n`
	const schemas = names.map(
		(name) => `${name}: v.object({ id: v.string(), of_${name}: v.number() })`
	)
	const uses = names.map(
		(name) =>
			`connection.select('${name}').current?.of_${name}; emit('${name}', { id: '', of_${name}: 1 })`
	)
	const alone = `${imports}const schemas = { ${schemas.join(',\n')} }\n`
	const whole = `${alone}const feed = defineEvents(schemas)
const connection = source('/', { events: feed })
declare const emit: Emit<EventsOf<typeof feed>>
${uses.join('\n')}`
	return editor.instantiations(whole) - editor.instantiations(alone)
}
