// What several server processes of the demo site share their events by.

import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { freePort } from './port.mjs'
import { findAll } from './system.mjs'

/** Any of these names an engine. */
const variables = ['REDIS_URL', 'DATABASE_URL', 'NATS_URL']

/** Reads from its starter, and ends the server as soon as there is none, whatever ended it. */
const untilWeEnd = '"$0" "$@" < /dev/null & read -r _; kill $!'

/**
 * The environment that names an engine: the one that is given, else a Redis which lives as long as this process.
 *
 * @returns {Promise<{ env: NodeJS.ProcessEnv, name: string }>}
 * @throws when there is neither
 */
export async function sharedEngine() {
	const given = variables.find((name) => process.env[name])
	if (given) return { env: {}, name: given }
	const [file] = findAll('redis-server')
	if (!file) {
		throw new Error(
			'Several processes need an engine to share: by the memory of one the others hear nothing.\n' +
				`Name one in ${variables.join(', ')}, or install redis-server, and the demo starts one for itself.`
		)
	}
	const port = await freePort()
	const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', tmpdir(), '--save', '']
	const child = spawn('sh', ['-c', untilWeEnd, file, ...args], {
		stdio: ['pipe', 'pipe', 'inherit'],
		// Out of the terminal's group: at Ctrl-C the servers go first.
		detached: true
	})
	let output = ''
	await new Promise((resolve, reject) => {
		const late = () => reject(new Error(`${file} does not start.\n${output}`))
		const timer = setTimeout(late, 10_000)
		child.stdout.on('data', (text) => {
			output += text
			if (!output.includes('Ready to accept')) return
			clearTimeout(timer)
			resolve(undefined)
		})
	})
	child.unref()
	child.stdout.destroy()
	return { env: { REDIS_URL: `redis://127.0.0.1:${port}` }, name: 'a Redis of their own' }
}
