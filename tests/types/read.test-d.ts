import { expectTypeOf, test } from 'vitest'
import { defineEvents, typed } from 'sveltekit-sse'
import { read, type ReadOptions } from 'sveltekit-sse/read'

const events = defineEvents({
	tick: typed<number>(),
	'order:${string}': typed<{ total: number }>()
})

test('without a contract events are text', async () => {
	for await (const event of read('https://example.com/events'))
		expectTypeOf(event).toEqualTypeOf<{ name: string; data: string; id: string | undefined }>()
})

test('with a contract the name tells the type of the data', async () => {
	for await (const event of read('https://example.com/events', { events })) {
		if (event.name === 'tick') expectTypeOf(event.data).toEqualTypeOf<number>()
		else expectTypeOf(event.data).toEqualTypeOf<{ total: number }>()
		// @ts-expect-error there is no such event
		if (event.name === 'tock') break
	}
	read.once(new Response(), { events, until: (event) => event.name === 'tick' && event.data > 1 })
})

test('`from` is a URL, a request, or a function', () => {
	read(new URL('https://example.com'))
	read(new Request('https://example.com'))
	read(() => 'https://example.com')
	read(async () => new Request('https://example.com'))
	// @ts-expect-error a URL that is not there yet is for source()
	read(() => undefined)
})

test('the settings of `fetch` stand beside the others', () => {
	read('https://example.com', { cache: 'no-cache', credentials: 'include', redirect: 'manual' })
	// @ts-expect-error `fetch` has no such mode
	read('https://example.com', { mode: 'cross-site' })
	// @ts-expect-error there is nobody to share with
	read('https://example.com', { linger: 100 })
	expectTypeOf<ReadOptions['fetch']>().toEqualTypeOf<typeof fetch | undefined>()
})
