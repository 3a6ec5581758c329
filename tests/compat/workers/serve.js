import { Miniflare } from 'miniflare'

const workers = new Miniflare({
	port: Number(process.env.PORT),
	modules: true,
	modulesRules: [{ type: 'ESModule', include: ['**/*.js'] }],
	scriptPath: 'dist/worker.js',
	compatibilityDate: '2026-01-01',
	// Without it nobody is told that a client has left.
	compatibilityFlags: ['enable_request_signal'],
	durableObjects: { ROOM: 'Room' }
})
await workers.ready
console.log('Listening')
process.once('SIGTERM', () => workers.dispose())
