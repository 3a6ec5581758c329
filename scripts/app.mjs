// The demo site as people run it: built for production, served by adapter-node in a process of its
// own. The demo command and the end-to-end tests start it here.

import { spawn } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fingerprint } from './fingerprint.mjs'
import { ensureNode, root, tool, toolEnv } from './install.mjs'
import { acquire } from './lock.mjs'
import { freePort } from './port.mjs'

const build = join(root, 'build')
const stamp = join(root, 'node_modules', '.cache', 'demo-build')
const lock = join(root, 'node_modules', '.cache', 'demo-build.lock')

/** What the build is made of. */
const inputs = [
	'src',
	'static',
	'package.json',
	'package-lock.json',
	'svelte.config.js',
	'vite.config.ts'
]

/**
 * Build the site into `build/`, unless that is already the build of what is there.
 *
 * @param {{ quiet?: boolean }} [options] `quiet` shows the output only when the build fails
 */
export async function buildApp({ quiet = false } = {}) {
	// Two builds at a time would write into the same folder.
	const release = await acquire(lock)
	try {
		const wanted = fingerprint(root, inputs)
		if (exists(join(build, 'index.js')) && read(stamp) === wanted) return
		rmSync(stamp, { force: true })
		const { code, output } = await tool('vite/bin/vite.js', ['build'], { quiet })
		if (code !== 0) throw new Error(`The demo site does not build.\n${output}`)
		writeFileSync(stamp, wanted)
	} finally {
		release()
	}
}

/** @param {string} file */
function read(file) {
	try {
		return readFileSync(file, 'utf8')
	} catch {
		return undefined
	}
}

/** @param {string} file */
function exists(file) {
	return statSync(file, { throwIfNoEntry: false }) !== undefined
}

/**
 * @typedef {{
 * 	url: string
 * 	child: import('node:child_process').ChildProcess
 * 	exited: Promise<number | string>
 * 	stop(signal?: NodeJS.Signals): Promise<void>
 * }} App
 */

/**
 * Serve the built site. Resolves when it listens.
 *
 * @param {{ port?: number, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options] without `port`, a free
 * one; `quiet` drops what the server prints
 * @returns {Promise<App>}
 */
export async function startApp({ port, env = {}, quiet = false } = {}) {
	port ??= await freePort()
	const url = `http://localhost:${port}`
	const serve = fileURLToPath(new URL('serve.mjs', import.meta.url))
	const child = spawn(await ensureNode(), [serve], {
		cwd: root,
		env: await toolEnv({
			NODE_ENV: 'production',
			...env,
			PORT: String(port)
		}),
		stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit', 'ipc']
	})
	const exited = new Promise((resolve) => {
		child.once('error', (error) => resolve(error.message))
		child.once('exit', (code, signal) => resolve(code ?? signal ?? 1))
	})
	const ready = new Promise((resolve) => child.once('message', () => resolve('ready')))
	const first = await Promise.race([ready, exited])
	if (first !== 'ready') throw new Error(`The demo server ended before it listened (${first}).`)

	return {
		url,
		child,
		exited,
		async stop(signal = 'SIGTERM') {
			if (child.exitCode === null && child.signalCode === null) child.kill(signal)
			const late = setTimeout(() => child.kill('SIGKILL'), 8_000)
			await exited
			clearTimeout(late)
		}
	}
}
