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
	writeFileSync(own, String(process.pid))
	try {
		for (;;) {
			try {
				linkSync(own, file)
				return () => rmSync(file, { force: true })
			} catch (error) {
				if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
			}
			if (isAlive(ownerOf(file))) await new Promise((resolve) => setTimeout(resolve, 200))
			else rmSync(file, { force: true })
		}
	} finally {
		rmSync(own, { force: true })
	}
}

/** @param {string} file */
function ownerOf(file) {
	try {
		return Number(readFileSync(file, 'utf8'))
	} catch {
		return 0
	}
}

/** @param {number} pid */
function isAlive(pid) {
	if (!pid) return false
	try {
		process.kill(pid, 0)
		return true
	} catch {
		return false
	}
}
