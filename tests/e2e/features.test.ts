import { describe, inject } from 'vitest'
import { answers } from '../../src/routes/tokens/answers.js'
import { expect, test } from './site.js'

describe('home', () => {
	test('ticks, and counts its visitors', async ({ visit }) => {
		const first = await visit('/')
		await first.reaches('events', 3)
		await first.shows('hello', /^the time is \d+$/)
		// Those of the tests before may be on their way out.
		await first.shows('visitors', '1')
		const second = await visit('/')
		await first.shows('visitors', '2')
		await second.shows('visitors', '2')
		await second.page.goto('about:blank')
		await first.shows('visitors', '1')
		expect(first.streams.toSorted()).toEqual(['/events', '/hello'])
	})
})

describe('clock', () => {
	test('shows the time as it comes, and gives the connection back when nobody reads', async ({
		visit
	}) => {
		const clock = await visit('/clock')
		await clock.reaches('ticks', 2)
		const before = await clock.text('time')
		await expect.poll(() => clock.text('time')).not.toBe(before)

		await clock.page.getByLabel('Show it').uncheck()
		await clock.status('idle')
		await clock.page.getByLabel('Show it').check()
		await clock.status('open')
		expect(clock.streams).toEqual(['/clock/events', '/clock/events'])
	})
})

describe('lock', () => {
	test('a released lock ends the stream, and emitting is an error from then on', async ({
		visit
	}) => {
		const lock = await visit('/lock')
		// Not in the first of ten seconds, or it would not be seen that it starts over.
		const released = await lock.watch('left', /^[1-6]\D/, [], 'Release the lock now')
		await released()
		await lock.status('closed')
		await lock.shows('reason', 'done')
		await lock.shows('answer', /ended/)

		const left = async () => Number.parseInt(await lock.text('left'))
		const last = await left()
		await lock.press('Start again')
		await lock.status('open')
		await expect.poll(left).toBeGreaterThan(last)
		expect(lock.streams).toHaveLength(2)
	})
})

describe('stop', () => {
	test.for([
		{ button: 'Close from here', status: 'closed', reason: 'gone' },
		{ button: 'Stop reading', status: 'idle', reason: 'gone' },
		{ button: 'Release the lock', status: 'closed', reason: 'done' },
		{ button: 'Deny', status: 'closed', reason: 'denied' }
	])(
		'$button: cleans up once, with reason $reason',
		async ({ button, status, reason }, { visit }) => {
			const stop = await visit('/stop')
			await stop.reaches('count', 2)
			await stop.press(button)
			await stop.status(status)
			await stop.shows('log', new RegExp(`timer cleared after \\d+ events \\(${reason}\\)`))
			await stop.press('Start again')
			await stop.status('open')
			await stop.shows('log', /^\S+\s+start: a timer runs[^]*start: a timer runs$/)
			const log = await stop.text('log')
			expect(log.match(/signal: aborted/g)).toHaveLength(1)
			expect(log.match(/stop option/g)).toHaveLength(1)
			expect(log.match(/timer cleared/g)).toHaveLength(1)
		}
	)
})

describe('ping', () => {
	test('heartbeats come in silence, at the pace that was asked for', async ({ visit }) => {
		const ping = await visit('/ping')
		await ping.shows('message', 'Silence from here on.')
		await ping.shows('wire', /hello ping=2000/)
		await ping.page.getByLabel('Ping every').selectOption('5000')
		await ping.shows('wire', /hello ping=5000/)
		await ping.reaches('beats', (await ping.number('beats')) + 1)
		await ping.status('open')
		expect(ping.streams).toHaveLength(2)
	})
})

describe('reconnect', () => {
	test('connect() in the close handler brings the stream back', async ({ visit }) => {
		const reconnect = await visit('/reconnect')
		await reconnect.shows('number', '1')
		await reconnect.press('Close')
		await reconnect.shows('number', '2')
		await reconnect.status('open')
		await reconnect.shows('callbacks', /open[^]*close .*reason: local, isLocal: true[^]*open/)
	})

	test('without it the stream stays closed until someone connects', async ({ visit }) => {
		const reconnect = await visit('/reconnect')
		await reconnect.shows('number', '1')
		await reconnect.page.getByLabel(/in the close handler/).uncheck()
		await reconnect.press('Close')
		await reconnect.status('closed')
		await reconnect.press('Connect')
		await reconnect.shows('number', '2')
	})
})

describe('headers', () => {
	test('arrive at the server, and a refusal arrives at the page', async ({ visit }) => {
		const headers = await visit('/headers', { errors: /401/ })
		await headers.reaches('count', 2)
		await headers.shows('received', /authorization\s+Bearer open-sesame\s+x-flavour\s+vanilla/)

		const token = headers.page.getByLabel('Authorization')
		await token.fill('open-barley')
		await headers.press('Connect')
		await headers.status('closed')
		await headers.shows('error', /401/)
		await headers.shows('body', /The cave does not open to “Bearer open-barley”/)

		await token.fill('open-sesame')
		await headers.press('Connect')
		await headers.status('open')
		await headers.reaches('count', 1)
	})
})

describe('transform', () => {
	test('every channel makes its own of the same event', async ({ visit }) => {
		const transform = await visit('/transform')
		await transform.shows('text', /^'\d+\.\d'$/)
		await transform.shows('reading', /^\d+(\.\d)? °C = \d+\.\d °F$/)
		await transform.shows('highest', /^\d+(\.\d)? °C$/)
		const [text, reading] = await transform.page.evaluate(() =>
			['text', 'reading'].map(
				(id) => document.querySelector<HTMLElement>(`[data-testid=${id}]`)!.innerText
			)
		)
		expect(Number.parseFloat(reading!)).toBe(Number(text!.slice(1, -1)))
		expect(transform.streams).toEqual(['/transform/events'])
	})
})

/** Who is greeted at this turn. */
function nameOf(turn: number): string {
	return ['Ada', 'Grace', 'Alan', 'Margaret', 'Edsger'][turn % 5]!
}

describe('json', () => {
	test('a broken event leaves the last good value, and an error that the next one clears', async ({
		visit
	}) => {
		const json = await visit('/json')
		// Every third event is broken: what it leaves is seen for a second or so, and all of it at once.
		const breaks = await json.watch('error', /JSON/, ['raw', 'greeting', 'failures'])
		const broken = await breaks()
		const turn = Number(/"turn": (\d+)/.exec(broken.raw)?.[1])
		expect(turn % 3).toBe(2)
		expect(broken).toEqual({
			raw: `{ "turn": ${turn}, "name": "${nameOf(turn)}`,
			greeting: `${turn - 1}: Hello ${nameOf(turn - 1)}`,
			failures: String((turn + 1) / 3)
		})
		const mends = await json.watch('error', /^none$/, ['raw', 'greeting'])
		const mended = await mends()
		const next = Number.parseInt(mended.greeting)
		expect(next).toBeGreaterThan(turn)
		expect(mended).toEqual({
			raw: JSON.stringify({ turn: next, name: nameOf(next) }),
			greeting: `${next}: Hello ${nameOf(next)}`
		})
	})
})

describe('typed', () => {
	test('dates and maps arrive as dates and maps, and the contract can be read', async ({
		visit
	}) => {
		const typed = await visit('/typed')
		await typed.shows('train', /^\d+ to \S+, \d\d:\d\d:\d\d$/)
		await typed.reaches('announced', 3)
		await expect.poll(() => typed.page.getByTestId('board').getByRole('row').count()).toBe(3)
		const leaves = await typed.page.locator('time').first().getAttribute('datetime')
		// Ninety seconds after it was announced, by the clock of the same machine.
		expect(Date.parse(leaves!)).toBeGreaterThan(Date.now() + 30_000)
		await typed.page
			.getByRole('region', { name: 'the code of the contract' })
			.getByText('typed<Map<number, Train>>()')
			.waitFor()
		expect(typed.streams).toEqual(['/typed/events'])
	})
})

describe('validation', () => {
	test('what does not fit is not sent, and what comes all the same is not delivered', async ({
		visit
	}) => {
		const validation = await visit('/validation')
		await validation.status('open')
		await validation.press('Send a good value')
		await validation.shows('delivered', '1')
		await validation.shows('answer', 'Sent.')
		await validation.shows('reading', /°C$/)
		const reading = await validation.text('reading')

		await validation.press(/^Send a bad value$/)
		await validation.shows(
			'answer',
			"The data of 'reading' does not fit its schema at celsius: Invalid value: Expected <=60 but received 451. Nothing was sent."
		)
		expect(await validation.text('error')).toBe('none')

		await validation.press('Send a bad value past the check')
		await validation.shows(
			'error',
			"The event 'reading' does not fit its schema at celsius: Invalid value: Expected <=60 but received 451. It was not delivered."
		)
		await validation.status('open')
		// The first good one and this one: the one between them was never sent.
		await validation.shows('arrived', '2')
		expect(await validation.text('delivered')).toBe('1')
		expect(await validation.text('reading')).toBe(reading)

		await validation.press('Send a good value')
		await validation.shows('delivered', '2')
		await validation.shows('error', 'none')
		expect(validation.streams).toEqual(['/validation/events'])
	})
})

describe('legacy', () => {
	test('a component of Svelte 4 shows what one of Svelte 5 shows, over one stream', async ({
		visit
	}) => {
		const legacy = await visit('/legacy')
		await legacy.reaches('legacy', 3)
		const values = () =>
			legacy.page.evaluate(() =>
				['legacy', 'runes'].map(
					(id) => document.querySelector<HTMLElement>(`[data-testid=${id}]`)!.innerText
				)
			)
		const [old, young] = await values()
		expect(old).toBe(young)
		await legacy.shows('streams', '1')
		expect(legacy.streams).toEqual(['/legacy/events'])
	})
})

function areEqualNumbers(values: string[]): boolean {
	return values.length === 7 && values.every((value) => /\d/.test(value) && value === values[0])
}

describe('shared', () => {
	test('any number of components share one request', async ({ visit }) => {
		const shared = await visit('/shared')
		await shared.shows('streams', '1')
		for (let count = 0; count < 4; count++) await shared.press('Add a component')
		await shared.shows('components', '8')
		await expect
			.poll(() => shared.page.getByTestId('reader').allInnerTexts())
			.toSatisfy(areEqualNumbers)
		expect(await shared.text('streams')).toBe('1')
		expect(shared.streams).toHaveLength(1)

		await shared.press('Add one with cache: false')
		await shared.shows('streams', '2')
		await shared.page
			.getByRole('button', { name: /^Remove component/ })
			.last()
			.click()
		await shared.shows('streams', '1')
		expect(shared.streams).toHaveLength(2)
	})
})

describe('third-party', () => {
	test('a form and a webhook reach one session, and no other', async ({ visit }) => {
		const mine = await visit('/third-party')
		const other = await visit('/third-party')
		await mine.status('open')
		await other.status('open')

		await mine.page.getByLabel('Message').fill('By form')
		await mine.press('Send through the form')
		await mine.shows('messages', /^By form/)

		const [address] = (await mine.text('command')).match(/http\S+/)!
		const send = (body: unknown) =>
			fetch(address, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify(body)
			})
		const response = await send({ text: 'By webhook <b>' })
		expect(await response.json()).toEqual({ delivered: 1 })
		await mine.shows('messages', /^By webhook <b>[^]*By form/)
		expect((await send({ text: 1 })).status).toBe(400)

		expect(await other.text('messages')).toBe('Nothing yet.')
		expect(mine.streams).toHaveLength(1)

		await mine.page.goto('about:blank')
		await expect.poll(async () => (await send({ text: 'Too late' })).status).toBe(404)
	})
})

describe('tokens', () => {
	test('words add up to the answer, the stream ends, and another question starts over', async ({
		visit
	}) => {
		const tokens = await visit('/tokens')
		await tokens.press('Say it in a haiku.')
		await tokens.reaches('count', 3)
		await tokens.status('closed')
		await tokens.shows(
			'answer',
			'One request, held long.\nThe server speaks, and pauses,\nand still you listen.'
		)

		await tokens.press('What are server-sent events?')
		await tokens.shows('answer', /^Server-sent events are/)
		await tokens.press('Stop')
		await tokens.status('closed')
		const { length } = await tokens.text('answer')
		expect(length).toBeLessThan(answers['sse']!.answer.length)
		expect(tokens.streams).toHaveLength(2)
	})
})

describe('list', () => {
	test('events update their row, and the list keeps its limit', async ({ visit }) => {
		const list = await visit('/list')
		await list.reaches('updates', 12)
		expect(await list.number('rows')).toBeLessThan(await list.number('updates'))
		const names = await list.page.getByTestId('jobs').locator('.id').allInnerTexts()
		expect(new Set(names).size).toBe(names.length)
		expect(names.length).toBeLessThanOrEqual(8)
	})
})

describe('chart', () => {
	test('draws what the server measures', async ({ visit }) => {
		const chart = await visit('/chart')
		await chart.reaches('points', 5)
		await chart.shows('heap', /^\d+\.\d$/)
		const isDrawn = () =>
			chart.page.evaluate(() =>
				[...document.querySelectorAll('canvas')].map((canvas) => {
					const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
					return data.some((value) => value !== 0)
				})
			)
		await expect.poll(isDrawn).toEqual([true, true])
	})
})

describe('status', () => {
	test('answers without a stream', async () => {
		const response = await fetch(`${inject('baseUrl')}/status`)
		expect(await response.json()).toEqual({
			uptime: expect.any(Number),
			pages: expect.any(Number),
			streams: expect.any(Number)
		})
	})
})
