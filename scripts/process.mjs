// Running other programs: output passed on or gathered, signals passed down, nothing left behind.
// Plain Node 18, no dependencies: these files run before anything is installed.

import { spawn } from 'node:child_process'

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/**
 * Run a program to its end.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {{
 * 	cwd?: string
 * 	env?: NodeJS.ProcessEnv
 * 	quiet?: boolean
 * 	timeout?: number
 * 	force?: boolean
 * }} [options] `quiet` gathers the output instead of showing it; `timeout`, in ms,
 * asks the program to stop, and makes it 5 s later, unless `force` is false
 * @returns {Promise<{ code: number, output: string }>} `code` is 127 when the program is not there
 */
export function run(
	file,
	args,
	{ cwd, env = process.env, quiet = false, timeout, force = true } = {}
) {
	return new Promise((resolve) => {
		let output = ''
		const child = spawn(file, args, {
			cwd,
			env,
			stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
			// npm and npx are .cmd files on Windows, which only a shell can start.
			shell: process.platform === 'win32' && !file.endsWith('.exe')
		})
		children.add(child)
		/** @type {NodeJS.Timeout[]} */
		const timers = []
		if (timeout) {
			timers.push(setTimeout(() => child.kill('SIGTERM'), timeout))
			if (force) timers.push(setTimeout(() => child.kill('SIGKILL'), timeout + 5_000))
		}
		child.stdout?.on('data', (chunk) => (output += chunk))
		child.stderr?.on('data', (chunk) => (output += chunk))
		const settle = (/** @type {number} */ code) => {
			timers.forEach(clearTimeout)
			children.delete(child)
			resolve({ code, output })
		}
		child.on('error', (error) => {
			output += error.message
			settle(127)
		})
		child.on('close', (code) => settle(code ?? 1))
	})
}

/** Stop whatever `run` has under way. */
export function stopChildren() {
	for (const child of children) child.kill('SIGTERM')
}

/**
 * Call back once when asked to stop: Ctrl-C, a signal, or the death of the npm that runs this script.
 * The shell between npm and a script dies of a signal without passing it on.
 *
 * @param {() => void} stop
 */
export function onStop(stop) {
	let stopped = false
	const once = () => {
		if (!stopped) stop()
		stopped = true
	}
	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
		process.on(signal, once)
	if (process.env.npm_lifecycle_event) {
		const parent = process.ppid
		setInterval(() => process.ppid !== parent && once(), 500).unref()
	}
}

/**
 * @param {string} message what went wrong and what to do about it
 * @returns {never}
 */
export function fail(message) {
	console.error(`\n${message}\n`)
	process.exit(1)
}
