import { expectTypeOf, test } from 'vitest'
import { source } from 'sveltekit-sse'

test('the nested options of 0.14 take what `fetch` takes', () => {
	source('/events', {
		options: {
			cache: 'no-cache',
			credentials: 'include',
			integrity: 'sha256-x',
			keepalive: true,
			mode: 'same-origin',
			priority: 'high',
			redirect: 'manual',
			referrer: '',
			referrerPolicy: 'origin'
		}
	})
	// @ts-expect-error `fetch` has no such mode
	source('/events', { options: { mode: 'cross-site' } })
	// @ts-expect-error outside of `options` it is whether requests are shared
	source('/events', { cache: 'no-cache' })
})

test('`openWhenHidden` of 0.14 stands nested or outside', () => {
	source('/events', { openWhenHidden: false })
	source('/events', { options: { openWhenHidden: false } })
	// @ts-expect-error it is no text
	source('/events', { openWhenHidden: 'yes' })
})

test('connect() may be awaited in callbacks', () => {
	source('/events', {
		async close({ connect }) {
			await connect()
		},
		onclose: async ({ connect }) => await connect(),
		open: ({ response }) => response?.headers.get('x-mine')
	})
})

test('a channel may have the empty name, which 0.14 gave to events without one', () => {
	expectTypeOf(source('/events').select('').current).toEqualTypeOf<string>()
})
