import { test } from 'vitest'
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
