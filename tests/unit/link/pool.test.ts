import { describe, expect, vi } from 'vitest'
import { defineEvents } from '../../../src/lib/contract/define-events.js'
import { typed } from '../../../src/lib/contract/schema.js'
import { Link } from '../../../src/lib/link/link.js'
import { acquire, peek, shareKey } from '../../../src/lib/link/pool.js'
import type { LinkOptions } from '../../../src/lib/link/types.js'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import type { Requests } from '../../support/requests.js'
import { defaults, test, Witness } from './fixture.js'

const key = (options: object = {}, name?: string): string =>
	shareKey({ ...defaults, ...options } as LinkOptions, name)

const makeHeaders = () => ({ a: '1' })
const makeBody = () => 'body'

describe('requests are equal', () => {
	const decide = () => undefined
	const blob = new Blob(['a'])
	test.for<[string, object, object]>([
		['that say nothing', {}, {}],
		['with another fragment', { url: 'http://app.test/a#b' }, { url: 'http://app.test/a#c' }],
		['with a fragment or none', { url: 'http://app.test/a#b' }, { url: 'http://app.test/a' }],
		[
			'with headers in another form',
			{ headers: { B: '2', a: '1' } },
			{
				headers: [
					['A', '1'],
					['b', '2']
				]
			}
		],
		['with no headers, or none', { headers: {} }, { headers: undefined }],
		['with a body of null, or none', { body: null }, { body: undefined }],
		['with the same text', { body: 'a' }, { body: 'a' }],
		[
			'with `URLSearchParams` of the same text',
			{ body: new URLSearchParams({ a: '1' }) },
			{ body: new URLSearchParams('a=1') }
		],
		['with the very same object', { body: blob }, { body: blob }],
		[
			'with the very same functions',
			{ headers: makeHeaders, body: makeBody },
			{ headers: makeHeaders, body: makeBody }
		],
		['with the very same `decide`', { reconnect: { decide } }, { reconnect: { decide } }],
		[
			'with the policy spelled out',
			{ reconnect: { min: 500, max: 30_000, attempts: Infinity, minUptime: 5_000 } },
			{ reconnect: {} }
		],
		[
			'with bounds that are raised to the same',
			{ reconnect: { min: 0 } },
			{ reconnect: { min: 100 } }
		],
		[
			'with the defaults of `fetch` spelled out',
			{
				init: {
					credentials: 'same-origin',
					mode: 'cors',
					redirect: 'follow',
					cache: 'no-store',
					keepalive: false,
					integrity: '',
					priority: 'auto',
					referrer: 'about:client',
					referrerPolicy: ''
				}
			},
			{ init: { mode: undefined } }
		],
		[
			'with settings in another order',
			{ init: { mode: 'no-cors', credentials: 'omit' } },
			{ init: { credentials: 'omit', mode: 'no-cors' } }
		],
		['with the page’s own `fetch` spelled out', { fetch: globalThis.fetch }, {}],
		[
			'with contracts of one version',
			{ events: defineEvents({ a: typed<1>() }, { version: 2, since: 1 }) },
			{ events: defineEvents({ b: typed<1>() }, { version: 2, since: 1 }) }
		]
	])('%s', ([, one, other]) => {
		expect(key(one)).toBe(key(other))
	})
})

describe('requests differ', () => {
	test.for<[string, object, object]>([
		['by URL', { url: 'http://app.test/a' }, { url: 'http://app.test/b' }],
		['by query', { url: 'http://app.test/?a' }, { url: 'http://app.test/?b' }],
		['by method', { method: 'GET' }, { method: 'POST' }],
		['by header', { headers: { a: '1' } }, { headers: { a: '2' } }],
		['by body', { body: 'a' }, { body: 'b' }],
		['by an empty body and none', { body: '' }, {}],
		[
			'by a text and `URLSearchParams` of it',
			{ body: 'a=1' },
			{ body: new URLSearchParams('a=1') }
		],
		[
			'by `URLSearchParams`',
			{ body: new URLSearchParams('a=1') },
			{ body: new URLSearchParams('a=2') }
		],
		['by objects without a text', { body: new Blob(['a']) }, { body: new Blob(['a']) }],
		['by functions of their own', { headers: () => ({}) }, { headers: () => ({}) }],
		['by `decide`', { reconnect: { decide: () => 1 } }, { reconnect: { decide: () => 1 } }],
		['by `decide` or none', { reconnect: { decide: () => 1 } }, { reconnect: {} }],
		['by a policy or none', { reconnect: false }, { reconnect: {} }],
		['by attempts', { reconnect: { attempts: 3 } }, { reconnect: {} }],
		['by `max`', { reconnect: { max: 60_000 } }, { reconnect: {} }],
		['by a setting of `fetch`', { init: { credentials: 'include' } }, {}],
		['by `fetch`', { fetch: async () => new Response() }, {}],
		['by the last id', { lastEventId: '7' }, {}],
		['by `connectTimeout`', { connectTimeout: 1 }, { connectTimeout: 2 }],
		['by watchdog', { watchdog: false }, {}],
		['by `pauseAfter`', { pauseAfter: 0 }, {}],
		[
			'by version',
			{ events: defineEvents({ a: typed<1>() }, { version: 2 }) },
			{ events: defineEvents({ a: typed<1>() }, { version: 3 }) }
		]
	])('%s', ([, one, other]) => {
		expect(key(one)).not.toBe(key(other))
	})
})

describe('the option `key`', () => {
	const own = () => ({
		headers: () => ({ a: '1' }),
		body: () => 'a',
		fetch: async () => new Response(),
		reconnect: { decide: () => 1 }
	})

	test('stands in for the identity of functions', () => {
		expect(key(own(), 'a')).toBe(key(own(), 'a'))
		expect(key(own(), 'a')).not.toBe(key(own(), 'b'))
		expect(key(own(), '')).not.toBe(key(own(), 'a'))
		expect(key(own(), 'a')).not.toBe(key(own()))
	})

	test('stands in for nothing else', () => {
		for (const [one, other] of [
			[{ url: 'http://app.test/a' }, { url: 'http://app.test/b' }],
			[{ body: 'a' }, { body: 'b' }],
			[{ body: new Blob(['a']) }, { body: new Blob(['a']) }],
			[{ headers: { a: '1' } }, { headers: makeHeaders }],
			[{ reconnect: { decide: () => 1 } }, { reconnect: { decide: () => 1, min: 700 } }],
			[{ method: 'GET' }, { method: 'POST' }]
		])
			expect(key(one, 'a')).not.toBe(key(other, 'a'))
	})

	test('says nothing where there are no functions', () => {
		expect(key({}, 'a')).toBe(key({}))
	})

	test('is not mixed up with a body that looks like it', () => {
		expect(key({ body: '{"#key":"a"}' }, 'a')).not.toBe(key({ body: makeBody }, 'a'))
	})
})

describe('a link of the pool', () => {
	/** Brings a link of a name up, as a handle does that is mounted. */
	function mount(name: string | undefined, { fetch }: Requests) {
		const link = acquire(name, () => new Link({ ...defaults, fetch }))
		const witness = new Witness()
		link.join(witness, undefined)
		link.want()
		return { link, witness, leave: () => link.leave(witness) }
	}

	test('is shared while it is up', async ({ requests, clock: _, page: __ }) => {
		const one = mount('a', requests)
		const other = mount('a', requests)
		await flushPromises()
		expect([other.link, peek('a'), requests.count]).toEqual([one.link, one.link, 1])
		one.leave()
		expect(peek('a')).toBe(one.link)
		other.leave()
		expect(peek('a')).toBe(undefined)
	})

	test('is not shared with another key, nor without one', ({ clock: _, page: __, requests }) => {
		const all = ['b', 'c', undefined, undefined].map((name) => mount(name, requests))
		expect(new Set(all.map(({ link }) => link)).size).toBe(4)
		for (const { leave } of all) leave()
	})

	test('is the spare one, unless others share another already', ({
		clock: _,
		page: __,
		requests
	}) => {
		const options = { ...defaults, fetch: requests.fetch }
		const spare = new Link(options)
		expect(acquire('d', () => spare)).toBe(spare)
		const other = mount('e', requests)
		expect(acquire('e', () => spare)).toBe(other.link)
		other.leave()
	})

	// Twenty components that are mounted one after another met twenty back-offs, each with its own first request.
	test('is shared while it rests in its back-off: twenty mounts make one request', async ({
		clock,
		page: _,
		requests
	}) => {
		requests.serve = (call) => call.refuse(503, '', { 'retry-after': '60' })
		let first: Link | undefined
		for (let time = 0; time < 20; time++) {
			const { link, leave } = mount('f', requests)
			first ??= link
			expect(link).toBe(first)
			await clock.advance(1_000)
			leave()
			expect(peek('f')).toBe(undefined)
		}
		expect(requests.count).toBe(1)
		// Then it is over, and forgotten: another starts afresh.
		await clock.advance(60_000)
		const { link, leave } = mount('f', requests)
		expect(link).not.toBe(first)
		await flushPromises()
		expect(requests.count).toBe(2)
		leave()
	})

	test('is forgotten once it rests without a back-off', async ({ clock, page: _, requests }) => {
		const one = mount('g', requests)
		await clock.advance(0)
		await requests.last.hello()
		one.leave()
		const other = mount('g', requests)
		expect(other.link).not.toBe(one.link)
		other.leave()
	})

	test('that was closed after an error is shared until it may be asked again', async ({
		clock,
		page: _,
		requests
	}) => {
		const one = mount('h', requests)
		await clock.advance(0)
		await requests.last.refuse(404)
		expect(one.link.isLive).toBe(false)
		expect(one.link.restsUntil).toBe(250)
		const other = mount('h', requests)
		expect(other.link).toBe(one.link)
		expect(other.witness.log).toEqual(['reconnecting asked !response in 250'])
		other.leave()
		await clock.advance(250)
		const later = mount('h', requests)
		expect(later.link).not.toBe(one.link)
		later.leave()
	})
})

test('a `fetch` that is put in the place of the page’s own counts as that', () => {
	const other = async (): Promise<Response> => new Response()
	vi.stubGlobal('fetch', other)
	expect(key({ fetch: other })).toBe(key({}))
	vi.unstubAllGlobals()
})
