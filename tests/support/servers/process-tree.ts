import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A process and all that descend from it, the ancestors first. */
export function processTree(pid: number | undefined): number[] {
	if (!pid) return []
	const rows = process.platform === 'linux' ? fromSystem() : fromProgram()
	const tree = [pid]
	// The list grows while it is walked: each child's children follow.
	for (const parent of tree) {
		for (const [child, ppid] of rows) if (child && ppid === parent) tree.push(child)
	}
	return tree
}

/** Each process and its parent. Small images of Linux have no `ps`. */
function fromSystem(): number[][] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map((name) => [Number(name), parentOf(name)])
}

function parentOf(pid: string): number {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
		// Behind the name, which may hold anything: the state, and the parent.
		return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2])
	} catch {
		// It has ended meanwhile.
		return 0
	}
}

function fromProgram(): number[][] {
	const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' })
	return (stdout ?? '').split('\n').map((row) => row.trim().split(/\s+/).map(Number))
}
