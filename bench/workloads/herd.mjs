import { readFileSync } from 'node:fs'

/** @import { Table } from '../types.js' */

/**
 * @typedef {object} Herd
 * @property {number} clients
 * @property {number} within milliseconds over which the server spread them
 * @property {number[]} waited how many were to wait how long, by parts of the longest wait
 * @property {number[]} openAgain how many were open again when, by parts of twice `within`
 * @property {number} latest milliseconds after which the last was open again
 * @property {number} attempts requests that it took
 * @property {number} missed
 * @property {number} repeated
 */

/** Milliseconds that a client adds at most, at random. */
const own = 500

/** How clients come back to a server that is restarted, as the test of a deploy has written it down. */
export const herd = {
	name: 'herd',
	/** @returns {Promise<Table>} */
	async run() {
		/** @type {Herd} */
		const { clients, within, waited, openAgain, latest, ...sums } = JSON.parse(
			readFileSync(new URL('../herd.json', import.meta.url), 'utf8')
		)
		const part = (2 * within) / openAgain.length
		const last = openAgain.findLastIndex((count) => count > 0)
		return {
			name: 'herd',
			title: `${clients.toLocaleString('en')} clients come back after a restart`,
			text:
				`The server tells each client to come back within ${within / 1_000} s, at random, and each adds up to ${own / 1_000} s ` +
				'of its own. The bars show how many were open again when; the marks, how many were promised. Those who were to come ' +
				'while the server was still starting came as soon as it listened. ' +
				`The last was back after ${(latest / 1_000).toFixed(1)} s, with ${sums.attempts.toLocaleString('en')} requests in all; ` +
				`${sums.missed} missed an event, ${sums.repeated} had one twice. Written by the test of a deploy, not by this command: ` +
				'`HERD_FILE=$PWD/bench/herd.json npm run test:resilience -- deploy`.',
			unit: 'clients',
			targets: [],
			rows: openAgain.slice(0, last + 1).map((count, index) => {
				const from = index * part
				const share = spreadUntil(from + part, within) - spreadUntil(from, within)
				return {
					name: `${from / 1_000} to ${(from + part) / 1_000} s`,
					isOwn: true,
					values: [count],
					promised: share * clients,
					more: { promised: [share * clients], 'told to wait': [waited[index] ?? 0] }
				}
			})
		}
	}
}

/** The share of clients that should be back by then: the sum of two even spreads. @param {number} time @param {number} within */
function spreadUntil(time, within) {
	const past = (/** @type {number} */ end) => Math.max(0, time - end) ** 2
	return (past(0) - past(own) - past(within) + past(within + own)) / (2 * own * within)
}
