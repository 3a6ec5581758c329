import { expect, test } from 'vitest'
import { produce } from '../../../src/lib/index.js'
import { startHttpServer } from '../../support/http-server.js'
import { Program } from '../../support/program.js'

const reader = new URL('programs/reader.ts', import.meta.url)

test('a process lives while its loop waits for the next attempt, and ends with the loop', async () => {
	await using server = await startHttpServer(() =>
		produce(({ emit }) => {
			emit('first', 1)
			emit('last', 2)
		})
	)
	await server.kill()
	await using program = new Program(reader, { env: { URL: server.url } })
	expect(await program.next()).toBe('network')
	expect(await program.next()).toBe('network')
	await server.start()
	let line = await program.next()
	while (line === 'network') line = await program.next()
	expect([line, await program.next(), await program.next()]).toEqual(['1', '2', 'left'])
	expect(await program.exit).toEqual({ code: 0, signal: null })
})
