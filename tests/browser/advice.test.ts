import { describe, expect } from 'vitest'
import { source } from '../../src/lib/source/source.js'
import { test } from './fixture.js'

describe('in development the console says what to do', () => {
	test('about a page, once', async ({ room, problems }) => {
		using connection = source(`${room.address}/page`)
		for (const _ of [1, 2]) {
			connection.connect()
			await expect.poll(() => connection.status).toBe('closed')
		}
		expect(problems.splice(0)).toEqual([
			expect.stringMatching(
				/POST http.*\/page gave no event stream: status 200, and text\/html .*; this is a page.* begins: A page$/
			)
		])
	})

	test('about a redirect to a login', async ({ room, problems }) => {
		using connection = source(`${room.address}/login`)
		connection.connect()
		await expect.poll(() => connection.status).toBe('closed')
		expect(problems.splice(0)).toEqual([
			expect.stringMatching(
				/POST http.*\/login gave .*; .* redirected to http.*\/page, as to a login/
			)
		])
	})

	test('about a redirect that is not followed', async ({ room, problems }) => {
		using connection = source(`${room.address}/login`, { options: { redirect: 'manual' } })
		connection.connect()
		await expect.poll(() => connection.status).toBe('closed')
		expect(problems.splice(0)).toEqual([expect.stringMatching(/status 0; a redirect/)])
	})

	test('about a body that is sent again', async ({ room, problems }) => {
		using connection = source(room.url, { body: 'question', reconnect: { max: 0 } })
		connection.connect()
		await room.until({ live: 1 })
		await expect.poll(() => connection.status).toBe('open')
		await room.end('restart', { retry: 0 })
		await room.until({ opened: 2 })
		expect(problems.splice(0)).toEqual([
			expect.stringMatching(/POST .* sends its body again .*`reconnect: false`/)
		])
	})
})
