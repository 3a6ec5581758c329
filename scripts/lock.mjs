import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Hold a lock between processes, for work that only one may do at a time. The lock of a process that
 * has died is taken over.
 *
 * @param {string} file
 * @returns {Promise<() => void>} lets go of it
 */
export async function acquire(file) {
	mkdirSync(join(file, '..'), { recursive: true })
	// A link appears with its content, so that nobody reads a lock without an owner.
	const own = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
	writeFileSync(own, identity(process.pid))
	try {
		for (;;) {
			try {
				linkSync(own, file)
				return () => rmSync(file, { force: true })
			} catch (error) {
				if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
			}
			if (isHeld(file)) await new Promise((resolve) => setTimeout(resolve, 200))
			else rmSync(file, { force: true })
		}
	} finally {
		rmSync(own, { force: true })
	}
}

/**
 * Whether the process that took the lock still runs.
 *
 * @param {string} file
 */
function isHeld(file) {
	try {
		const owner = readFileSync(file, 'utf8')
		const pid = Number(owner.split(' ')[0])
		process.kill(pid, 0)
		return identity(pid) === owner
	} catch {
		return false
	}
}

/**
 * A process and, where the system tells, when it began: its number is given to another one some day.
 *
 * @param {number} pid
 */
function identity(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
		// What follows the name, which may hold anything; see proc_pid_stat(5).
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
		return `${pid} ${fields[19]}`
	} catch {
		return String(pid)
	}
}
