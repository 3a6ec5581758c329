import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const watchdog = new URL('../../support/servers/watchdog.ts', import.meta.url).href

/** A test process that starts a server, which has its output too, says its process id, and waits. */
const tests = `
	import { spawn } from 'node:child_process'
	import { watchOver } from ${JSON.stringify(watchdog)}
	const server = spawn('sleep', ['600'], { stdio: ['ignore', 'inherit', 'ignore'] })
	watchOver(server.pid, process.env.DIR)
	console.log(server.pid)
	setTimeout(() => {}, 600_000)
`

test('a server and its directory do not outlive a test process that is killed', async () => {
	const dir = await mkdtemp(join(tmpdir(), 'watched-'))
	const runner = spawn(process.execPath, ['--input-type=module', '-e', tests], {
		env: { ...process.env, DIR: dir }
	})
	// When neither has it any more.
	const outputEnded = once(runner.stdout, 'close')
	const [line] = await once(runner.stdout, 'data')
	process.kill(Number(line), 0)
	runner.kill('SIGKILL')
	await outputEnded
	await expect.poll(() => existsSync(dir)).toBe(false)
})
