import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { root } from '../../scripts/install.mjs'
import { run } from '../../scripts/process.mjs'
import { produce } from '../../src/lib/index.js'
import { startHttpServer } from '../support/http-server.js'

// A folder that has the packed library and what it depends on, and no Svelte.
const folder = mkdtempSync(join(tmpdir(), 'sveltekit-sse-plain-'))
const modules = join(folder, 'node_modules')
mkdirSync(join(modules, 'sveltekit-sse'), { recursive: true })
execFileSync('tar', [
	'-xzf',
	inject('packed').tarball,
	'-C',
	join(modules, 'sveltekit-sse'),
	'--strip-components=1'
])
for (const name of ['esm-env', 'eventsource-parser'])
	symlinkSync(join(root, 'node_modules', name), join(modules, name))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const program = `
import { read, SseError } from 'sveltekit-sse/read'

const url = process.argv[2]
for await (const { name, data, id } of read(url)) {
	console.log(name, data, id)
	if (name === 'last') break
}
const response = await fetch(url)
for await (const { data } of read.once(response, { until: '2' })) console.log('once', data)
try {
	read('/events')
} catch (error) {
	console.log(error instanceof SseError, error.message)
}
`

describe('`read` of the packed library', () => {
	test.for([undefined, 'development', 'production'])(
		'works in plain Node without Svelte, with NODE_ENV=%s',
		async (NODE_ENV) => {
			writeFileSync(join(folder, 'program.mjs'), program)
			await using server = await startHttpServer(() =>
				produce(({ emit }) => {
					emit('message', '1', { id: 'a' })
					emit('last', '2', { id: 'b' })
				})
			)
			const { code, output } = await run(
				process.execPath,
				[join(folder, 'program.mjs'), server.url],
				{ cwd: folder, quiet: true, env: { ...process.env, NODE_OPTIONS: '', NODE_ENV } }
			)
			expect(output.trim().split('\n')).toEqual([
				'message 1 a',
				'last 2 b',
				'once 1',
				expect.stringMatching(/^true read\(\) needs a URL, .* has to be absolute/)
			])
			expect(code).toBe(0)
		}
	)
})
