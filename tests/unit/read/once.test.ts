import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { defineEvents, produce } from '../../../src/lib/index.js'
import { read } from '../../../src/lib/read/index.js'
import { manualClock } from '../../../src/lib/testing/index.js'
import { foreign, leaveNothing, linesOf, Log } from './fixture.js'

leaveNothing()

/** A response that notes whether its body was cancelled. */
function watched(text: string) {
	const seen = { cancelled: false }
	const body = new ReadableStream({
		start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
		cancel: () => void (seen.cancelled = true)
	})
	return {
		seen,
		response: new Response(body, { headers: { 'content-type': 'text/event-stream' } })
	}
}

describe('`read.once`', () => {
	test('reads a response of any server to its end', async () => {
		expect(await linesOf(read.once(foreign('data: a\n\nevent: b\ndata: c\n\n')))).toEqual([
			'message:a',
			'b:c',
			'over'
		])
	})

	test('reads what a handler returns', async () => {
		const response = produce(({ emit, close }) => {
			emit('n', 1)
			close()
		})
		expect(await linesOf(read.once(response))).toEqual(['n:1', 'over'])
	})

	test('stops at `until`, and cancels the rest', async () => {
		const { response, seen } = watched('data: a\n\ndata: [DONE]\n\n')
		expect(await linesOf(read.once(response, { until: '[DONE]' }))).toEqual(['message:a', 'over'])
		expect(seen.cancelled).toBe(true)
	})

	test('has a contract', async () => {
		const events = defineEvents({ message: v.object({ text: v.string() }) })
		const stream = read.once(foreign('data: {"text":"hi"}\n\n'), { events })
		const texts: string[] = []
		for await (const { data } of stream) texts.push(data.text)
		expect(texts).toEqual(['hi'])
	})

	test('throws `cut` if the response breaks off, and makes no request', async () => {
		expect(await linesOf(read.once(foreign('data: a\n\ndata: b')))).toEqual([
			'message:a',
			expect.stringMatching(/^!cut /)
		])
		const body = new ReadableStream({
			pull: (controller) => controller.error(new TypeError('terminated'))
		})
		const headers = { 'content-type': 'text/event-stream' }
		expect(await linesOf(read.once(new Response(body, { headers })))).toEqual([
			'!cut The stream broke off without a last frame: terminated'
		])
	})

	test('throws `cut` if the server ends the stream before it is whole', async () => {
		const response = produce(({ close }) => close('restart'))
		expect(await linesOf(read.once(response))).toEqual([
			'!cut The server ended the stream before it was done: restart'
		])
	})

	test('throws `response` for another status or type', async () => {
		const refused = new Response('{"error":"no key"}', {
			status: 401,
			headers: { 'content-type': 'application/json' }
		})
		const error = await read
			.once(refused)
			.next()
			.catch((thrown: unknown) => thrown)
		expect(error).toMatchObject({ code: 'response', status: 401, body: '{"error":"no key"}' })
		expect(await linesOf(read.once(Response.json({})))).toEqual([
			expect.stringMatching(/^!response /)
		])
	})

	test('ends with its signal, and cancels the response', async () => {
		const { response, seen } = watched('data: a\n\n')
		const leaving = new AbortController()
		const stream = read.once(response, { signal: leaving.signal })
		await stream.next()
		leaving.abort()
		await expect(stream.next()).rejects.toMatchObject({ code: 'aborted' })
		expect(seen.cancelled).toBe(true)
	})

	test('cancels a response that nobody began to read', async () => {
		const left = watched('data: a\n\n')
		await read.once(left.response).return()
		expect(left.seen.cancelled).toBe(true)
		const aborted = watched('data: a\n\n')
		const stream = read.once(aborted.response, { signal: AbortSignal.abort() })
		await expect(stream.next()).rejects.toMatchObject({ code: 'aborted' })
		expect(aborted.seen.cancelled).toBe(true)
	})

	test('gives a silent response up after `watchdog`', async () => {
		using clock = manualClock()
		const { response } = watched('data: a\n\n')
		const log = new Log(read.once(response, { watchdog: 1_000 }))
		await clock.advance(1_000)
		await log.done
		expect(log.lines).toEqual(['message:a', expect.stringMatching(/^!silent /)])
	})

	test('refuses what it cannot read at the call', async () => {
		const response = foreign('data: a\n\n')
		response.body!.getReader()
		expect(() => read.once(response)).toThrow('The body of this response has a reader already.')
		expect(() => read.once(Promise.resolve(response) as never)).toThrow(
			'The argument of read.once() must be a Response, such as `await fetch(url)`, received an object.'
		)
	})
})
