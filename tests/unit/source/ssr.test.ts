import { render } from 'svelte/server'
import { describe, expect, vi, test } from 'vitest'
import Legacy from '../../browser/components/Legacy.svelte'
import Runes from '../../browser/components/Runes.svelte'
import Value from '../../browser/components/Value.svelte'
import Followed from '../../browser/components/Followed.svelte'
import { clock } from '../../../src/lib/clock.js'
import { source } from '../../../src/lib/source/source.js'

describe('a page that is rendered on a server', () => {
	test('opens nothing, sets no timer and shows what there is before the first event', async () => {
		const fetch = vi.spyOn(globalThis, 'fetch')
		const timer = vi.spyOn(clock, 'setTimeout')
		const { body } = await render(Runes, { props: { url: '/events' } })
		expect(body).toContain('<p data-testid="status">idle</p>')
		expect(body).toContain('<p data-testid="value"></p>')
		const legacy = await render(Legacy, { props: { url: '/events' } })
		expect(legacy.body).toContain('<p data-testid="loud"></p>')
		const followed = await render(Followed, { props: { url: '/events', id: 1 } })
		expect(followed.body).toContain('<p data-testid="id">none</p>')
		expect([fetch.mock.calls, timer.mock.calls]).toEqual([[], []])
		fetch.mockRestore()
		timer.mockRestore()
	})

	// Node's `Request` refuses it, which knows no page.
	test('takes a referrer that is relative to the page', () => {
		expect(source('/events', { options: { referrer: '/page' } }).status).toBe('idle')
	})

	test('shows the initial values, and shares nothing with the next page', async () => {
		const show = async (price?: string) => {
			const channel = source('/prices', price ? { initial: { price } } : {}).select('price')
			const { body } = await render(Value, { props: { channel } })
			return body
		}
		expect(await show('5 €')).toContain('"5 €"')
		expect(await show()).toContain('""')
	})
})
