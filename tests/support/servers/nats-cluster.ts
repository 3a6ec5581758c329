import { freePort } from '../ports.js'
import { startNats } from './nats.js'
import type { ServerProcess } from './server-process.js'

/** Three NATS servers on loopback that keep streams together, by the names that they have among themselves. */
export interface NatsCluster extends AsyncDisposable {
	readonly nodes: ReadonlyMap<string, ServerProcess>
}

/** Resolves when all answer; for a stream there is a place some seconds later, when they have a leader. */
export async function startNatsCluster(): Promise<NatsCluster> {
	const stack = new AsyncDisposableStack()
	try {
		const routes = new Map<string, string>()
		for (const name of ['one', 'two', 'three']) {
			routes.set(name, `nats://127.0.0.1:${await freePort()}`)
		}
		const all = [...routes.values()].join()
		const nodes = new Map<string, ServerProcess>()
		for (const [name, route] of routes) {
			const place = ['--cluster', route, '--cluster_name', 'tests', '--routes', all]
			const node = await startNats({ args: ['--name', name, ...place] })
			stack.defer(() => node.close())
			nodes.set(name, node)
		}
		const started = stack.move()
		return { nodes, [Symbol.asyncDispose]: () => started.disposeAsync() }
	} catch (error) {
		await stack.disposeAsync()
		throw error
	}
}
