import { get } from 'svelte/store'
import { afterEach, expect, test } from 'vitest'
import { produce as produceBefore, source as sourceBefore } from 'sveltekit-sse-0.14'
import type { Connection, Source } from '../../../src/lib/source/deprecated.js'
import { source as sourceNow } from '../../../src/lib/source/source.js'
import { memoryFetch, restoreAll } from '../../../src/lib/testing/index.js'

// Rows of docs/migrating.md that take no page: what a server renders, and a page of this library before a server of 0.14.

afterEach(() => restoreAll())

test('[ssr-transform] a transform is not called on a server', () => {
	const shown = (source: (from: string) => Source) =>
		get(
			source('/events')
				.select('message')
				.transform((data) => `made of '${data}'`)
		)
	expect(shown(sourceBefore)).toBe("made of ''")
	expect(shown(sourceNow)).toBe(null)
})

test('[old-server] a stream of 0.14 is read, and asked for again when it ends', async () => {
	const ended = Promise.withResolvers<unknown>()
	const got: [string, string][] = []
	let emit!: (name: string, data: string) => unknown
	let lock!: { set: (locked: boolean) => void }
	const fetch = memoryFetch(() =>
		produceBefore((connection: Connection) => void ({ emit, lock } = connection), { ping: 20 })
	)
	const connection = sourceNow('http://app.test/events', {
		fetch,
		message: ({ name, data }) => void got.push([name, data]),
		close: ({ reason, willReconnect }) => ended.resolve([reason, willReconnect])
	})
	const next = connection.select('message').next()
	await expect.poll(() => emit).toBeDefined()
	emit('message', 'a')
	expect(await next).toBe('a')
	expect(await connection.select('ping').next()).toBe('')
	const end = connection.select('message').on(() => {})
	lock.set(false)
	expect(await ended.promise).toEqual(['complete', true])
	connection.close()
	end()
	expect(got).toContainEqual(['message', 'a'])
})
