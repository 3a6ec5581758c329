import { command, until } from './redis-commands.js'
import { startRedis } from './redis.js'
import type { ServerProcess } from './server-process.js'

const slots = 16_384
const masters = 3

/** Milliseconds after which a node that does not answer is given up: at first never, whatever holds the machine up. */
const patience = 600_000
const impatience = 1_500

/** Three masters on loopback that share the slots, and a replica of the one that has a certain key. */
export class RedisCluster implements AsyncDisposable {
	readonly nodes: ServerProcess[]
	/** The master that has the key. */
	readonly owner: ServerProcess

	constructor(nodes: ServerProcess[], owner: ServerProcess) {
		this.nodes = nodes
		this.owner = owner
	}

	/** Kills the owner; its replica takes its place. */
	async failOver(): Promise<void> {
		await this.owner.kill()
		for (const node of this.nodes.filter(({ running }) => running))
			await command(node, 'CONFIG', 'SET', 'cluster-node-timeout', String(impatience))
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.nodes.map((node) => node.close()))
	}
}

/** @param key whose owner gets the replica */
export async function startRedisCluster(key: string): Promise<RedisCluster> {
	const nodes: ServerProcess[] = []
	try {
		for (let node = 0; node <= masters; node++) {
			const timeout = ['--cluster-node-timeout', String(patience)]
			// A replica may stand in however long its master has been away.
			const args = [...timeout, '--cluster-replica-validity-factor', '0']
			nodes.push(await startRedis({ appendonly: true, cluster: 'member', args }))
		}
		const [first, ...others] = nodes as [ServerProcess, ...ServerProcess[]]
		const replica = nodes[masters]!
		for (const { port } of others)
			await command(first, 'CLUSTER', 'MEET', '127.0.0.1', String(port))
		const share = Math.ceil(slots / masters)
		for (const [index, node] of nodes.slice(0, masters).entries()) {
			const [from, to] = [index * share, Math.min(slots, (index + 1) * share)]
			const own = Array.from({ length: to - from }, (_, slot) => String(from + slot))
			await command(node, 'CLUSTER', 'ADDSLOTS', ...own)
		}
		const agree = `cluster_state:ok[^]*cluster_known_nodes:${masters + 1}`
		for (const node of nodes) await until(node, ['CLUSTER', 'INFO'], new RegExp(agree))
		const slot = Number(await command(first, 'CLUSTER', 'KEYSLOT', key))
		const owner = nodes[Math.floor(slot / share)]!
		await command(replica, 'CLUSTER', 'REPLICATE', String(await command(owner, 'CLUSTER', 'MYID')))
		await until(replica, ['ROLE'], /slave.*connected/)
		// Who does not know the replica does not vote for it.
		for (const node of nodes) await until(node, ['CLUSTER', 'NODES'], /slave /)
		return new RedisCluster(nodes, owner)
	} catch (error) {
		await Promise.all(nodes.map((node) => node.close()))
		throw error
	}
}
