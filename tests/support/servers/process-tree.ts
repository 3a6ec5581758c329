import { spawnSync } from 'node:child_process'

/** A process and all that descend from it, the ancestors first. */
export function processTree(pid: number | undefined): number[] {
	if (!pid) return []
	const listed = spawnSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' })
	const rows = (listed.stdout ?? '').split('\n').map((row) => row.trim().split(/\s+/).map(Number))
	const tree = [pid]
	// The list grows while it is walked: each child's children follow.
	for (const parent of tree) {
		for (const [child, ppid] of rows) if (child && ppid === parent) tree.push(child)
	}
	return tree
}
