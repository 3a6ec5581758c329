import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const watchdog = new URL('../../support/servers/watchdog.ts', import.meta.url).href

/** A test process that starts a server, says its process id, and waits. */
const tests = `
	import { spawn } from 'node:child_process'
	import { watchOver } from ${JSON.stringify(watchdog)}
	const server = spawn('sleep', ['600'])
	watchOver(server.pid, process.env.DIR)
	console.log(server.pid)
	setTimeout(() => {}, 600_000)
`

test('a server and its directory do not outlive a test process that is killed', async () => {
	const dir = await mkdtemp(join(tmpdir(), 'watched-'))
	const runner = spawn(process.execPath, ['--input-type=module', '-e', tests], {
		env: { ...process.env, DIR: dir }
	})
	const [line] = await once(runner.stdout, 'data')
	const pid = String(line).trim()
	// Whether it sleeps already, or the system has not come to it yet: it is there.
	expect(state(pid)).toMatch(/^[^Z]/)
	runner.kill('SIGKILL')
	await expect.poll(() => existsSync(dir)).toBe(false)
	expect(state(pid)).toMatch(/^(Z.*)?$/)
})

/** The state letter of a process; a zombie is dead, only nobody has asked for its exit code. */
function state(pid: string): string {
	return spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim()
}
