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

/** Whether a process does nothing more, with none of its threads, until it is told to go on; or has ended. */
export function isFrozen(pid: number): boolean {
	if (process.platform !== 'linux') {
		const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
		return /^\s*([TZ]|$)/.test(stdout ?? '')
	}
	try {
		const threads = readdirSync(`/proc/${pid}/task`)
		return threads.every((thread) => /^[TZX]?$/.test(statOf(`${pid}/task/${thread}`)[0] ?? ''))
	} catch {
		return true
	}
}

/** Each process and its parent. Small images of Linux have no `ps`. */
function fromSystem(): number[][] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map((name) => [Number(name), parentOf(name)])
}

function parentOf(pid: string): number {
	return Number(statOf(pid)[1] ?? 0)
}

/** State, parent and so on of a process or a thread; nothing of one that has ended meanwhile. */
function statOf(id: string): string[] {
	try {
		const stat = readFileSync(`/proc/${id}/stat`, 'utf8')
		// Behind the name, which may hold anything.
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
	} catch {
		return []
	}
}

function fromProgram(): number[][] {
	const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' })
	return (stdout ?? '').split('\n').map((row) => row.trim().split(/\s+/).map(Number))
}
