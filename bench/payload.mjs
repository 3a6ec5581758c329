// The events of a measurement: a ring of ticks with numbered events, and the check of what arrived.

/** @import { Tick } from './types.js' */

const hash = '#'.charCodeAt(0)
const digits = 8
/** Ends the last event of a round; it occurs nowhere else in a stream. */
export const roundEnd = '!'

/**
 * @typedef {object} Shape
 * @property {number} size characters of an event's data
 * @property {number} events events in a tick
 * @property {number} ticks ticks in a round
 */

/**
 * The ticks of one round. Each event carries its number; the last one ends with the mark of a round's end.
 *
 * @param {Shape} shape
 * @returns {Tick[]}
 */
export function makeRound({ size, events, ticks }) {
	const body = filler(size)
	return Array.from({ length: ticks }, (_, tick) => {
		const texts = Array.from({ length: events }, (_, event) => {
			const isLast = tick === ticks - 1 && event === events - 1
			const number = String(tick * events + event).padStart(digits, '0')
			// By way of bytes, so that the string is flat, as one that came from a database would be.
			const text = `#${number}${isLast ? body.slice(0, -1) + roundEnd : body}`
			return Buffer.from(text).toString('latin1')
		})
		const frames = texts.map((text) => Buffer.from(`event: message\ndata: ${text}\n\n`))
		return { texts, frames, whole: Buffer.concat(frames) }
	})
}

/**
 * Checks the body of a response: every event is there, once, in order and whole.
 *
 * @param {Buffer} body without the chunks' framing
 * @param {Shape} shape
 * @returns {number} how many events it holds
 */
export function checkBody(body, { size, events, ticks }) {
	const length = 1 + digits + filler(size).length
	const inRound = events * ticks
	const template = Buffer.from(`#${'0'.repeat(digits)}${filler(size)}`)
	const ending = Buffer.from(template)
	ending.write(roundEnd, length - 1)
	let expected = 0
	let count = 0
	for (let at = body.indexOf(hash); at >= 0; at = body.indexOf(hash, at + length)) {
		// A body that was not kept to its end, which may be in the middle of a number.
		if (at + length > body.length) break
		const number = +body.toString('latin1', at + 1, at + 1 + digits)
		if (number !== expected)
			throw new Error(`event ${count} has number ${number} in place of ${expected}`)
		const whole = expected === inRound - 1 ? ending : template
		if (body.compare(whole, 1 + digits, length, at + 1 + digits, at + length) !== 0)
			throw new Error(`event ${count} was changed on its way`)
		expected = (expected + 1) % inRound
		count++
	}
	return count
}

/** @param {number} size */
function filler(size) {
	return 'abcdefghijklmnopqrstuvwxyz. '.repeat(size / 28 + 1).slice(0, size - 1 - digits)
}

/**
 * Takes the framing of `transfer-encoding: chunked` off a body, in place.
 *
 * @param {Buffer} raw what came after the headers; its last chunk may be cut
 */
export function unchunk(raw) {
	let length = 0
	for (let at = 0; at < raw.length;) {
		const lineEnd = raw.indexOf('\r\n', at)
		if (lineEnd < 0) break
		const size = parseInt(raw.toString('latin1', at, lineEnd), 16)
		if (!Number.isInteger(size)) throw new Error(`no chunk at byte ${at}`)
		if (size === 0) break
		length += raw.copy(raw, length, lineEnd + 2, lineEnd + 2 + size)
		at = lineEnd + 2 + size + 2
	}
	return raw.subarray(0, length)
}
