import { Miniflare } from 'miniflare'

/** The same worker under the compatibility dates and flags that projects have; the path of a request begins with the name. */
const settings = {
	bare: [],
	signal: ['enable_request_signal'],
	node: ['nodejs_compat'],
	'signal-node': ['enable_request_signal', 'nodejs_compat'],
	// As it was before `navigator` came.
	old: ['no_global_navigator']
}

const workers = new Miniflare({
	port: Number(process.env.PORT),
	workers: Object.entries(settings).map(([name, compatibilityFlags]) => ({
		name,
		routes: [`*/${name}/*`],
		modules: true,
		modulesRules: [{ type: 'ESModule', include: ['**/*.js'] }],
		scriptPath: 'dist/worker.js',
		compatibilityDate: name === 'old' ? '2022-12-01' : '2026-01-01',
		compatibilityFlags,
		durableObjects: { ROOM: 'Room' }
	}))
})
await workers.ready
console.log('Listening')
process.once('SIGTERM', () => workers.dispose())
