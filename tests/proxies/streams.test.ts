import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { App } from './app.js'
import { Client } from './client.js'
import { allProxies, describeProxies, startProxy, type Proxy } from './proxy.js'
import { specs, type ProxyName, type Spec, type Variation } from './specs.js'

let app: App
beforeAll(async () => {
	app = await App.start()
})
afterAll(() => app?.[Symbol.asyncDispose]())

/** Milliseconds: far below the two seconds of an impatient proxy, on a machine that is busy elsewhere too. */
const ping = 100

/** Those that compress streams, although the response asks them not to. */
const compresses: ProxyName[] = ['Apache', 'h2o', 'nginx', 'nginx behind nginx']

await describeProxies(
	allProxies,
	(name) => {
		const { compressing, impatient }: Spec = specs[name]
		const path = (test: string) => `/${name.replaceAll(' ', '-')}/${test}`

		const variations: [string, Variation][] = [['as documented', {}]]
		if (compressing) variations.push(['with its compression on', compressing])

		describe.concurrent.each(variations)('%s', (title, variation) => {
			let proxy: Proxy
			beforeAll(async () => {
				proxy = await startProxy(name, app, variation)
			})
			afterAll(() => proxy?.[Symbol.asyncDispose]())

			test('each event comes as it is sent, and the end as an end', async () => {
				const own = path(`events-${title.replaceAll(' ', '-')}`)
				using client = new Client(proxy.url + own)
				// The first one comes while the server has nothing more to say.
				expect(JSON.parse((await client.next())!)).toMatchObject({ method: 'POST' })
				const stream = await app.stream(own)
				for (const data of ['1', '2', '3']) {
					stream.emit(data)
					expect(await client.next()).toBe(data)
				}
				stream.close()
				expect(await client.ending()).toBe('done')
			})

			test('a POST passes through with its body and its last event id', async () => {
				const own = path(`post-${title.replaceAll(' ', '-')}`)
				const sent = { lastEventId: 'epoch-42', body: '{"prompt":"why?"}' }
				using client = new Client(proxy.url + own, sent)
				expect(JSON.parse((await client.next())!)).toEqual({ method: 'POST', ...sent })
			})

			if (variation !== compressing) return
			test('streams are compressed or left alone', async () => {
				// A text does not ask to be left alone.
				const text = await fetch(`${proxy.url}/text`, { headers: { 'accept-encoding': 'gzip' } })
				expect(text.headers.get('content-encoding')).toBe('gzip')
				await text.text()
				using client = new Client(proxy.url + path('compressed'))
				await client.next()
				expect(await client.isCompressed()).toBe(compresses.includes(name))
			})
		})

		if (!impatient) return
		describe('with two seconds of patience', () => {
			let proxy: Proxy
			beforeAll(async () => {
				proxy = await startProxy(name, app, impatient)
			})
			afterAll(() => proxy?.[Symbol.asyncDispose]())

			test('a quiet stream with heartbeats stays open, and one without is cut', async () => {
				const own = path('quiet')
				using quiet = new Client(`${proxy.url}${own}?ping=${ping}`)
				await quiet.next()
				// Twice: the other one has been quiet for twice the time limit by then.
				for (const silence of ['silent-1', 'silent-2']) {
					using silent = new Client(proxy.url + path(silence))
					expect(await silent.ending()).toBe('cut')
				}
				const stream = await app.stream(own)
				expect(stream.reason).toBeUndefined()
				stream.emit('still there')
				expect(await quiet.next()).toBe('still there')
			})
		})
	},
	{ concurrent: true }
)
