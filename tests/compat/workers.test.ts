import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { titled } from '../support/tools.js'
import { Fixture } from './fixture.js'
import { missingRegistry } from './registry.js'

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
const isMusl = process.platform === 'linux' && !header.glibcVersionRuntime
const missing = isMusl ? 'workerd runs on glibc only' : await missingRegistry()
const title = titled('a worker for Cloudflare with the packed library', missing)

describe.skipIf(missing)(title, () => {
	const fixture = new Fixture('workers')
	let url: string
	beforeAll(async () => {
		await fixture.install()
		await fixture.run('vite', 'build')
		url = await fixture.serve('serve.js')
	})
	afterAll(() => fixture[Symbol.asyncDispose]())

	const ends = async (): Promise<string[]> => (await fetch(`${url}/ends`)).json()

	/** Reads a stream until it holds a text; then leaves. */
	async function read(path: string, expected: string, meanwhile = async () => {}): Promise<string> {
		const left = new AbortController()
		const response = await fetch(url + path, { signal: left.signal })
		let text = ''
		await meanwhile()
		for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
			text += chunk
			if (text.includes(expected)) break
		}
		left.abort()
		return text
	}

	test('streams, and notices that the client has left', async () => {
		const text = await read('/count', 'data: 3\n\n')
		const data = text.split('\n').filter((line) => line.startsWith('data: '))
		// More may have come with the third.
		expect(data.slice(0, 3)).toEqual(['data: 1', 'data: 2', 'data: 3'])
		await expect.poll(ends).toEqual(['gone'])
	})

	test('has a hub in a Durable Object', async () => {
		const publish = async (data: string) => {
			const response = await fetch(`${url}/room`, { method: 'POST', body: JSON.stringify(data) })
			return response.json()
		}
		const text = await read('/room', 'second', async () => {
			expect(await publish('first')).toEqual({ error: false, connections: 1 })
			await publish('second')
		})
		expect(text.match(/^data: .*$/gm)).toEqual(['data: first', 'data: second'])
		// The object hears of it when it has something to do.
		const left = { error: false, connections: 0 }
		await expect.poll(() => publish('nobody')).toEqual(left)
		expect(await ends()).toEqual(['gone', 'gone'])
	})
})
