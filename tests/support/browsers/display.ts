import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { temporaryDirectory } from '../servers/temporary.js'
import { watchOver } from '../servers/watchdog.js'
import { needTool } from '../tools.js'

/** A screen that exists only in memory, for a browser that knows no headless mode. */
export interface Display {
	/** What `DISPLAY` has to say. */
	name: string
	/** A home of its own for what runs on it. */
	dir: string
	close(): Promise<void>
}

/** Starts a virtual X display with a free number. */
export async function startDisplay(): Promise<Display> {
	const command = await needTool('Xvfb')
	const dir = await temporaryDirectory('display')
	const screen = ['-screen', '0', '1280x1024x24', '-nolisten', 'tcp']
	const child = spawn(command, [...screen, '-displayfd', '1'], {
		stdio: ['ignore', 'pipe', 'ignore']
	})
	const closed = once(child, 'close')
	const callOff = child.pid ? watchOver(child.pid, dir) : undefined
	// It says its number when it is ready.
	const said = await Promise.race([once(child.stdout, 'data'), closed.then(() => undefined)])
	if (!said) throw new Error('Xvfb ended while it started.')
	return {
		name: `:${String(said[0]).trim()}`,
		dir,
		async close() {
			child.kill('SIGTERM')
			await closed
			callOff?.()
		}
	}
}
