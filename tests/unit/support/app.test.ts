import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { App } from '../../support/app.js'
import { temporaryDirectory } from '../../support/servers/temporary.js'

test('a server that never listens is stopped with its app', async () => {
	const app = new App(await temporaryDirectory('hanging'), 2)
	const program = 'require("node:fs").writeFileSync("started", ""); setInterval(() => {}, 1_000)'
	const served = expect(app.serve(process.execPath, ['-e', program])).rejects.toThrow(
		'ended before it listened'
	)
	await expect.poll(() => existsSync(`${app.folder}/started`)).toBe(true)
	await app[Symbol.asyncDispose]()
	await served
	expect(existsSync(app.folder)).toBe(false)
})

test('a program that is not there is told, and its app can be left', async () => {
	const app = new App(await temporaryDirectory('missing'), 2)
	await expect(app.serve('no-such-program', [])).rejects.toThrow('ENOENT')
	await app[Symbol.asyncDispose]()
	expect(existsSync(app.folder)).toBe(false)
})
