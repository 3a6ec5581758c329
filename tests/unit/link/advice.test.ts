import { describe, expect } from 'vitest'
import { flushPromises } from '../../../src/lib/testing/flush-promises.js'
import { warnOfTwins } from '../../../src/lib/link/advice.js'
import { defaults, test } from './fixture.js'

const html = { 'content-type': 'text/html; charset=utf-8' }

describe('in development a request that is refused', () => {
	for (const [what, method, status, body, headers, warning] of [
		[
			'as a form of another site',
			'POST',
			403,
			'Cross-site POST form submissions are forbidden',
			{},
			/status 403; .*`paths\.origin`.*`csrf\.trustedOrigins`.*application\/json.* begins: Cross-site POST form/
		],
		[
			'as such a form, in JSON',
			'PUT',
			403,
			'{"message":"Cross-site PUT form submissions are forbidden"}',
			{},
			/^sveltekit-sse: PUT .*`paths\.origin`/
		],
		['without a login', 'POST', 401, '', {}, /status 401; .*`headers`.*`credentials: 'include'`/],
		['without leave', 'POST', 403, 'No.', {}, /status 403; .*`headers`.* begins: No\.$/],
		['where nothing is', 'POST', 404, 'Not found', {}, /status 404; no endpoint has this URL\./],
		['as a POST', 'POST', 405, '', {}, /status 405; export POST .*`method: 'GET'`/],
		['as a GET', 'GET', 405, '', {}, /status 405; export GET .*`method: 'POST'`/],
		[
			'by a server that failed',
			'POST',
			500,
			'',
			{},
			/status 500; .*its log .*does not return what produce\(\) returns/
		],
		[
			'by a page',
			'POST',
			200,
			'<!doctype html>\n<html><head><style>h1 { color: red }</style><title>Log in</title></head><h1>1 < 2</h1><scr',
			html,
			/text\/html.*; this is a page.* begins: Log in 1 < 2$/
		],
		[
			'by a page alone',
			'POST',
			405,
			'<h1>405</h1>',
			html,
			/status 405; this is a page, and no endpoint/
		],
		['by a failed page', 'POST', 404, '<h1>No</h1>', html, /status 404; no endpoint/],
		['by JSON', 'POST', 200, '{}', {}, /status 200, and text\/plain is not .*; return produce\(\)/]
	] as [string, string, number, string, Record<string, string>, RegExp][])
		test(`${what} is explained`, async ({ open, requests, warned }) => {
			const { witness } = open({ method })
			await flushPromises()
			await requests.last.refuse(status, body, headers)
			expect(warned).toEqual([expect.stringMatching(warning)])
			expect(warned[0]).toContain(`${method} http://app.test/events gave no event stream: `)
			expect(warned[0]).toContain(witness.last!.error!.message)
		})

	test('shows 200 characters of the body, in one line', async ({ open, requests, warned }) => {
		open()
		await flushPromises()
		await requests.last.refuse(404, `${'\n\tab'.repeat(500)}`)
		expect(warned).toEqual([expect.stringMatching(/ begins: (ab ){66}ab$/)])
	})

	test('is explained once for each status, not for each attempt', async ({
		open,
		requests,
		clock,
		warned
	}) => {
		open()
		for (const status of [503, 503, 500, 503, 404]) {
			await clock.advance(30_000)
			await requests.last.refuse(status)
		}
		expect(warned.map((text) => /status \d+/.exec(text as string)?.[0])).toEqual([
			'status 503',
			'status 500',
			'status 404'
		])
	})

	test('is explained for each connection', async ({ open, requests, warned }) => {
		for (const _ of [1, 2]) {
			open()
			await flushPromises()
			await requests.last.refuse(404)
		}
		expect(warned).toHaveLength(2)
	})

	test('is not explained to those who left meanwhile', async ({ open, requests, warned }) => {
		const { link, witness } = open()
		await flushPromises()
		await requests.last.answer('half', { status: 404 })
		link.leave(witness)
		await flushPromises()
		expect(warned).toEqual([])
	})

	test('without a failure is not spoken of', async ({ open, requests, warned, clock }) => {
		open()
		await flushPromises()
		await requests.last.hello()
		await requests.last.end()
		await clock.advance(250)
		await requests.last.refuse(204)
		expect(warned).toEqual([])
	})
})

describe('in development a body that is sent again', () => {
	const text =
		/^sveltekit-sse: POST http:\/\/app\.test\/events .*ids.*`lastEventId`.*`reconnect: false`/

	test('after a stream was lost is spoken of once', async ({ open, requests, clock, warned }) => {
		open({ body: 'question' })
		await flushPromises()
		await requests.last.hello(30_000, 'data: half\n\n')
		expect(warned).toEqual([])
		for (const _ of [1, 2]) {
			await requests.last.end()
			await clock.advance(30_000)
			await requests.last.hello()
		}
		expect(requests.count).toBe(3)
		expect(warned).toEqual([expect.stringMatching(text)])
	})

	test('by a function is spoken of', async ({ open, requests, clock, warned }) => {
		open({ body: async () => 'question' })
		await flushPromises()
		await requests.last.hello()
		await requests.last.goodbye('rotate')
		await clock.advance(30_000)
		expect(warned).toEqual([expect.stringMatching(text)])
	})

	test('when the page is shown again is spoken of', async ({ open, requests, page, warned }) => {
		open({ body: 'question' })
		await flushPromises()
		await requests.last.hello()
		await page.leave()
		await page.comeBack()
		expect(requests.count).toBe(2)
		expect(warned).toEqual([expect.stringMatching(text)])
	})

	let made = 0
	for (const [what, options, piece] of [
		['with the id of the last event', { body: 'question' }, 'id: 1\ndata: a\n\n'],
		['that says where to go on', { body: () => JSON.stringify({ after: ++made }) }, ''],
		['that is none', {}, ''],
		['from a function that gives none', { body: () => undefined }, '']
	] as const)
		test(`${what} is not spoken of`, async ({ open, requests, clock, warned }) => {
			open(options)
			await flushPromises()
			await requests.last.hello(30_000, piece)
			await requests.last.end()
			await clock.advance(250)
			expect(requests.count).toBe(2)
			expect(warned).toEqual([])
		})

	test('before a server has answered it is not spoken of', async ({
		open,
		requests,
		clock,
		warned
	}) => {
		open({ body: 'question' })
		await flushPromises()
		await requests.last.fail()
		await clock.advance(250)
		expect(requests.count).toBe(2)
		expect(warned).toEqual([])
	})

	for (const lasted of [0, 60_000])
		test(`because it is asked again after ${lasted} ms is not spoken of`, async ({
			open,
			requests,
			clock,
			warned
		}) => {
			const { link, witness } = open({ body: 'question', watchdog: false })
			await flushPromises()
			await requests.last.hello()
			await clock.advance(lasted)
			await requests.last.goodbye('done')
			link.join(witness, undefined)
			link.connect()
			await clock.advance(500)
			expect(requests.count).toBe(2)
			expect(warned).toEqual([])
		})
})

describe('in development connections that could be one, but for the functions of their options,', () => {
	const link = () => ({ isLive: true })

	test('are spoken of once, with what to do', ({ warned }) => {
		for (const _ of [1, 2, 3]) warnOfTwins(link(), defaults, 'twins 1')
		expect(warned).toEqual([
			'sveltekit-sse: 2 connections to http://app.test/events are open, since their options have functions of their own, ' +
				'such as `headers: () => …` written in each call. Make the source once and share it, or pass the same `key` to each.'
		])
	})

	test('are not spoken of when they are one, or other requests, or closed meanwhile', ({
		warned
	}) => {
		const one = link()
		for (const _ of [1, 2]) warnOfTwins(one, defaults, 'twins 2')
		warnOfTwins(link(), defaults, 'twins 3')
		one.isLive = false
		warnOfTwins(link(), defaults, 'twins 2')
		expect(warned).toEqual([])
	})
})
