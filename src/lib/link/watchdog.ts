/** How many ping intervals may pass in silence. One lost heartbeat is bad luck, two and a half are a dead link. */
const tolerance = 2.5
/** After a wake-up the heartbeat should be there, or be on its way. */
const wakeTolerance = 1.25
/** Milliseconds that bytes which waited during sleep have to be read. */
const wakeGrace = 2_000

/**
 * The moment at which a silent link counts as dead, or undefined when nothing says how often it should speak.
 *
 * @param lastByteAt when the last bytes came
 * @param ping the interval that the server announced, milliseconds
 * @param setting the user's: milliseconds, `false` for no watchdog, undefined to follow the server
 * @param doubtedAt when something (waking up, a lost network) gave reason to look closer; -Infinity: never
 */
export function silentAt(
	lastByteAt: number,
	ping: number | undefined,
	setting: number | false | undefined,
	doubtedAt: number
): number | undefined {
	if (setting === false || (setting === undefined && ping === undefined)) return undefined
	const patient = lastByteAt + (setting ?? ping! * tolerance)
	if (lastByteAt > doubtedAt) return patient
	const impatient = ping === undefined ? patient : lastByteAt + ping * wakeTolerance
	return Math.max(Math.min(patient, impatient), doubtedAt + wakeGrace)
}
