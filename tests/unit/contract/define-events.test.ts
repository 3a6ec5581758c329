import { type as ark } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import {
	defineEvents,
	produce,
	source,
	SseError,
	textCodec,
	typed,
	type ProduceOptions,
	type Schema,
	type SourceOptions,
	type Validate
} from '../../../src/lib/index.js'
import { internalsOf, isContract } from '../../../src/lib/contract/internals.js'
import { environment } from '../../../src/lib/environment.js'
import { Hub, type HubOptions } from '../../../src/lib/hub/index.js'

const { isDevelopment } = environment
afterEach(() => {
	environment.isDevelopment = isDevelopment
})

/** What a call throws, as one line. */
function thrownBy(run: () => unknown): string {
	try {
		return `nothing, but gave ${JSON.stringify(run())}`
	} catch (thrown) {
		const { code, message } = thrown as SseError
		return `${thrown instanceof SseError ? code : 'not ours'}: ${message}`
	}
}

const asynchronous = <T>(settle: (value: unknown) => Promise<T>): Schema<T> => ({
	'~standard': {
		version: 1,
		vendor: 'test',
		validate: async (value) => ({ value: await settle(value) })
	}
})

describe('a contract', () => {
	test('shows what users need, and nothing of what the library needs', () => {
		const events = defineEvents({ order: typed<unknown>() }, { version: 2 })
		const members = ['decode', 'encode', 'has', 'names', 'since', 'version']
		expect(Object.keys(events).sort()).toEqual(members)
		expect(JSON.stringify(events)).toBe('{"names":["order"],"version":2,"since":2}')
	})

	// A bundler may put one into the page and leave another in node_modules.
	test('is one for every copy of the library', async () => {
		vi.resetModules()
		const copy = await import('../../../src/lib/index.js')
		expect(copy.defineEvents).not.toBe(defineEvents)
		expect(isContract(copy.defineEvents({ a: copy.typed<1>() }))).toBe(true)
	})

	test.for<[string, unknown]>([
		['the events themselves', { order: typed<unknown>() }],
		['an object of the same shape', { ...defineEvents({ order: typed<unknown>() }) }],
		['a text', 'order']
	])('is not made by hand: %s', ([, events]) => {
		const made = [
			() => source('/', { events } as SourceOptions),
			() => produce(() => {}, { events } as ProduceOptions),
			() => new Hub({ events } as HubOptions)
		]
		for (const make of made)
			expect(thrownBy(make)).toMatch(
				/^invalid-argument: `events` must be a contract, which defineEvents\(\) makes, received /
			)
	})

	test('writes JSON and reads it', () => {
		const events = defineEvents({ order: typed<unknown>() })
		for (const value of [{ id: '1' }, 'text', '', 1, null, [true]]) {
			expect(events.encode('order', value)).toBe(JSON.stringify(value))
			expect(events.decode('order', events.encode('order', value))).toEqual(value)
		}
	})

	test('writes single events as they want to be written', () => {
		const codecs = { token: textCodec }
		const events = defineEvents({ token: typed<string>(), order: typed<object>() }, { codecs })
		expect(events.encode('token', 'a "word"')).toBe('a "word"')
		expect(events.decode('token', '{"a":1}')).toBe('{"a":1}')
		expect(events.encode('order', {})).toBe('{}')
	})

	test('knows the names that can arrive', () => {
		const schema = typed<number>()
		const events = defineEvents({
			tick: schema,
			'order:${string}': schema,
			'${string}/of/${string}/end': schema,
			'<${string}>': schema
		})
		const names = [
			'tick',
			'tock',
			'order:',
			'order:1',
			'xorder:1',
			'a/of/b/end',
			'/of/end',
			'<>',
			'<'
		]
		expect(names.filter((name) => events.has(name))).toEqual([
			'tick',
			'order:',
			'order:1',
			'a/of/b/end',
			'<>'
		])
		expect(events.has('toString')).toBe(false)
		expect(events.has('__proto__')).toBe(false)
	})

	test('prefers the exact name, then the first pattern', () => {
		const events = defineEvents(
			{ 'a:${string}': v.string(), 'a:b${string}': v.number(), 'a:b': v.boolean() },
			{ validate: 'server' }
		)
		expect(events.encode('a:b', true)).toBe('true')
		expect(thrownBy(() => events.encode('a:bc', 1))).toMatch(/^validation/)
	})

	test.for<[string, Schema, string]>([
		['valibot', v.object({ items: v.array(v.object({ price: v.number() })) }), 'Expected number'],
		['zod', z.object({ items: z.array(z.object({ price: z.number() })) }), 'expected number'],
		['arktype', ark({ items: ark({ price: 'number' }).array() }), 'must be a number']
	])('names the event, the path and what %s expected', ([, schema, expected]) => {
		const events = defineEvents({ order: schema })
		const bad = { items: [{ price: 1 }, { price: 'two' }] }
		const sending = thrownBy(() => events.encode('order', bad))
		expect(sending).toMatch(
			/^validation: The data of 'order' does not fit its schema at items\[1\]\.price: .*\. Nothing was sent\.$/
		)
		expect(sending).toContain(expected)
		expect(thrownBy(() => events.decode('order', JSON.stringify(bad)))).toBe(
			sending
				.replace("The data of 'order'", "The event 'order'")
				.replace('Nothing was sent', 'It was not delivered')
		)
	})

	test('tells of three issues and counts the rest', () => {
		const events = defineEvents({
			row: v.object({ a: v.string(), 'b c': v.string(), d: v.string(), e: v.string() })
		})
		const message = thrownBy(() => events.encode('row', { a: 1, 'b c': 1, d: 1, e: 1 }))
		expect(message).toContain(
			`at a: Invalid type: Expected string but received 1; at ["b c"]: Invalid`
		)
		expect(message).toMatch(/at d: [^;]*; and 1 more\. Nothing was sent\.$/)
	})

	test('ends the issue with one full stop', () => {
		const events = defineEvents({ a: v.string('Not like this.') })
		expect(thrownBy(() => events.encode('a', 1))).toBe(
			"validation: The data of 'a' does not fit its schema: Not like this. Nothing was sent."
		)
	})

	test('keeps the issues as the cause of the error', () => {
		const events = defineEvents({ tick: v.number() })
		expect(thrownBy(() => events.encode('tick', 'x'))).toContain(`does not fit its schema: Invalid`)
		try {
			events.encode('tick', 'x')
			expect.unreachable()
		} catch (thrown) {
			expect((thrown as SseError).cause).toMatchObject([{ expected: 'number', received: '"x"' }])
		}
	})

	test('says what to do about an unknown name, unreadable text and unwritable data', () => {
		const events = defineEvents({ tick: typed<unknown>() }, { codecs: {} })
		const text = defineEvents({ token: typed<string>() }, { codec: textCodec })
		const cycle: Record<string, unknown> = {}
		cycle.self = cycle
		expect([
			thrownBy(() => events.encode('tock', 1)),
			thrownBy(() => events.decode('tock', '1')),
			thrownBy(() => events.decode('tick', '{')),
			thrownBy(() => events.encode('tick', undefined)),
			thrownBy(() => events.encode('tick', cycle)).replace(/: Converting[^]*\. N/, ': …. N'),
			thrownBy(() => text.encode('token', 1 as never))
		]).toEqual([
			"invalid-argument: The contract has no event 'tock'; add it to defineEvents(), or correct the name.",
			"invalid-argument: The contract has no event 'tock'; add it to defineEvents(), or correct the name.",
			expect.stringMatching(
				/^parse: The event 'tick' is not JSON: .*\. Use the same contract on both sides, or the codec that the server writes\.$/
			),
			"serialize: The data of 'tick' cannot be written as JSON: JSON has no word for undefined. Nothing was sent; pass a plainer value, or give the contract another codec.",
			"serialize: The data of 'tick' cannot be written as JSON: …. Nothing was sent; pass a plainer value, or give the contract another codec.",
			"serialize: The data of 'token' cannot be written as text: text carries strings, not number 1. Nothing was sent; pass a plainer value, or give the contract another codec."
		])
	})

	test('survives a schema that throws', () => {
		const broken: Schema = {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: () => {
					throw new TypeError('no database')
				}
			}
		}
		expect(thrownBy(() => defineEvents({ a: broken }).decode('a', '1'))).toBe(
			"validation: The schema that checks the event 'a' threw: no database"
		)
	})
})

describe('where schemas run', () => {
	const trimmed = v.pipe(v.string(), v.trim(), v.nonEmpty())
	const run = (validate: Validate | undefined) => {
		const events = defineEvents({ name: trimmed }, { validate })
		return [
			thrownBy(() => events.encode('name', ' a ')).replace(/:.*/, ''),
			thrownBy(() => events.encode('name', ' ')).replace(/:.*/, ''),
			thrownBy(() => events.decode('name', '" b "')),
			thrownBy(() => events.decode('name', '" "')).replace(/:.*/, '')
		]
	}
	const gave = (value: string) => `nothing, but gave ${JSON.stringify(value)}`

	test('is both sides, unless it is said otherwise; transforms belong to the client', () => {
		const both = [gave('" a "'), 'validation', gave('b'), 'validation']
		expect(run(undefined)).toEqual(both)
		expect(run('both')).toEqual(both)
	})

	test('can be the server, which sends what came of it', () => {
		expect(run('server')).toEqual([gave('"a"'), 'validation', gave(' b '), gave(' ')])
		const stripping = v.object({ id: v.string() })
		const user = { id: '1', password: 'secret' }
		expect(defineEvents({ user: stripping }, { validate: 'server' }).encode('user', user)).toBe(
			'{"id":"1"}'
		)
	})

	test('can be the client', () => {
		expect(run('client')).toEqual([gave('" a "'), gave('" "'), gave('b'), 'validation'])
	})

	test('can be both sides in development, and none in production', () => {
		environment.isDevelopment = true
		expect(run('development')).toEqual(run('both'))
		environment.isDevelopment = false
		expect(run('development')).toEqual([gave('" a "'), gave('" "'), gave(' b '), gave(' ')])
	})
})

describe('an asynchronous schema', () => {
	test('cannot be asked by emit, which says what else to do', () => {
		const events = defineEvents({ a: asynchronous(async (value) => value) })
		expect(thrownBy(() => events.encode('a', 1))).toBe(
			"validation: The schema of 'a' is asynchronous, and emit() answers at once. Nothing was sent; " +
				"validate on the client ({ validate: 'client' }), yield it from an async iterable, or publish it through a hub."
		)
	})

	test('that rejects after emit has answered is nobody’s unhandled rejection', async () => {
		const unhandled: unknown[] = []
		const hear = (reason: unknown) => unhandled.push(reason)
		process.on('unhandledRejection', hear)
		const events = defineEvents({ a: asynchronous(() => Promise.reject(new Error('no'))) })
		thrownBy(() => events.encode('a', 1))
		await new Promise((resolve) => setImmediate(resolve))
		process.off('unhandledRejection', hear)
		expect(unhandled).toEqual([])
	})

	test('is waited for by a writer, which keeps the order of its calls', async () => {
		const gates: Record<string, () => void> = {}
		const slow = asynchronous(
			(value) => new Promise((resolve) => (gates[String(value)] = () => resolve(value)))
		)
		const events = defineEvents({ slow, fast: typed<string>(), bad: v.number() })
		const write = internalsOf(events).writer()
		const log: string[] = []
		const note = (text: string | Promise<string>) =>
			void Promise.resolve(text).then(
				(value) => log.push(value),
				(error: SseError) => log.push(error.code)
			)
		expect(write('fast', 'zero')).toBe('"zero"')
		note(write('slow', 'one'))
		note(write('fast', 'two'))
		note(write('slow', 'three'))
		note(write('fast', 'four'))
		expect(thrownBy(() => write('bad', 'x'))).toMatch(/^validation/)
		gates.three!()
		await new Promise((resolve) => setImmediate(resolve))
		expect(log).toEqual([])
		gates.one!()
		await new Promise((resolve) => setImmediate(resolve))
		expect(log).toEqual(['"one"', '"two"', '"three"', '"four"'])
		expect(write('fast', 'five')).toBe('"five"')
	})

	test('that rejects is an error of the validation', async () => {
		const events = defineEvents({ a: asynchronous(() => Promise.reject(new Error('no database'))) })
		const rejected = { code: 'validation', message: expect.stringContaining('threw: no database') }
		await expect(internalsOf(events).writer()('a', 1)).rejects.toMatchObject(rejected)
		await expect(events.decode('a', '1')).rejects.toMatchObject(rejected)
	})

	test('that finds an issue rejects in its place', async () => {
		const even: Schema<number> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: async (value) =>
					(value as number) % 2 ? { issues: [{ message: 'odd' }] } : { value: value as number }
			}
		}
		const write = internalsOf(defineEvents({ even })).writer()
		const settled = await Promise.allSettled([write('even', 2), write('even', 3), write('even', 4)])
		expect(settled).toEqual([
			{ status: 'fulfilled', value: '2' },
			{ status: 'rejected', reason: expect.objectContaining({ code: 'validation' }) },
			{ status: 'fulfilled', value: '4' }
		])
	})
})

describe('versions', () => {
	const client = internalsOf(defineEvents({ a: typed<1>() }, { version: 4, since: 2 }))

	test.for<[string, string | undefined, string | undefined]>([
		['the same', '4,4', undefined],
		['a newer one that still takes this client', '5,4', undefined],
		['a newer one that does not', '6,5', 'outdated'],
		['an older one that this client takes', '2,1', undefined],
		['an older one that it does not', '1,1', 'behind'],
		['none', undefined, undefined],
		['something else', 'x', undefined]
	])('are compared: %s', ([, announced, reason]) => {
		const refusal = client.refuse(announced)
		expect(refusal?.reason).toBe(reason)
		if (reason) expect(refusal?.error).toMatchObject({ name: 'SseError', code: 'version' })
	})

	test('are not compared by a contract without one', () => {
		expect(internalsOf(defineEvents({ a: typed<1>() })).refuse('9,9')).toBeUndefined()
	})

	test('say what to do', () => {
		expect([client.refuse('6,5'), client.refuse('1,0')].map((one) => one?.error.message)).toEqual([
			'The stream carries version 6 of the contract, which a client of version 4 cannot read (the oldest that can is 5). Load the new version of the app: location.reload().',
			'The stream carries version 1 of the contract, and this client reads 2 and newer. The server is older than the page, as in the middle of a deploy.'
		])
	})
})

describe('defineEvents', () => {
	const a = typed<1>()
	test.for<[string, unknown[], string]>([
		['no events', [null], 'The events must be an object'],
		['a name with LF', [{ 'a\n': a }], 'such as \'message\', received string "a\\n"'],
		['an empty name', [{ '': a }], 'such as \'message\', received string ""'],
		['no schema', [{ a: 'string' }], "The schema of 'a' must be a Standard Schema"],
		['a codec that is none', [{ a }, { codec: 'json' }], 'A codec must be an object'],
		[
			'a codec for nothing',
			[{ a }, { codecs: { b: textCodec } }],
			'the name of one of the events, received string "b"'
		],
		['another place', [{ a }, { validate: 'never' }], "`validate` must be 'both', 'server'"],
		['a version in words', [{ a }, { version: '1.0' }], '`version` must be a whole number'],
		['since without a version', [{ a }, { since: 1 }], '`since` must be at most the `version`'],
		['since above the version', [{ a }, { version: 1, since: 2 }], '`since` must be at most']
	])('refuses %s, and says what to write', ([, args, message]) => {
		const thrown = thrownBy(() => (defineEvents as (...args: unknown[]) => unknown)(...args))
		expect(thrown).toMatch(/^invalid-argument: /)
		expect(thrown).toContain(message)
	})
})
