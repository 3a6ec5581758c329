import { describe, expect, test } from 'vitest'
import { read } from '../../../src/lib/read/index.js'
import { memoryFetch } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing, linesOf } from './fixture.js'

leaveNothing()

const url = 'http://app.test/events'

describe('`until`', () => {
	test('ends the loop before the event whose data is the text, and closes the connection', async () => {
		const fetch = memoryFetch(() =>
			foreign('data: a\n\ndata: [DONE]\n\ndata: b\n\n', { ends: false })
		)
		expect(await linesOf(read(url, { fetch, until: '[DONE]' }))).toEqual(['message:a', 'over'])
		expect(fetch.open).toBe(0)
	})

	test('compares the whole data', async () => {
		const fetch = memoryFetch(() => foreign('data: [DONE] \n\ndata: [DONE]\n\n'))
		expect(await linesOf(read(url, { fetch, until: '[DONE]' }))).toEqual([
			'message:[DONE] ',
			'over'
		])
	})

	test('ends the loop before the event for which a function returns true', async () => {
		const text =
			'event: delta\ndata: a\n\nevent: message_stop\ndata: {}\n\nevent: delta\ndata: b\n\n'
		const fetch = memoryFetch(() => foreign(text, { ends: false }))
		const until = ({ name }: { name: string }) => name === 'message_stop'
		expect(await linesOf(read(url, { fetch, until }))).toEqual(['delta:a', 'over'])
		expect(fetch.open).toBe(0)
	})

	test('that throws ends the loop with that', async () => {
		const fetch = memoryFetch(() => foreign('data: a\n\n', { ends: false }))
		const until = () => {
			throw new Error('no')
		}
		expect(await linesOf(read(url, { fetch, until }))).toEqual(['!error no'])
		expect(fetch.open).toBe(0)
	})

	test('makes no request after the end that it found', async () => {
		// The stream has ids, so its end alone would mean that there is more.
		const fetch = memoryFetch(() => foreign('id: 1\ndata: a\n\ndata: [DONE]\n\n'))
		expect(await linesOf(read(url, { fetch, until: '[DONE]' }))).toEqual(['message:a #1', 'over'])
		expect(fetch.requests.length).toBe(1)
	})
})
