import { isPromise } from '../contract/schema.js'
import { SseError } from '../errors.js'
import { within } from '../parts/within.js'

/** Milliseconds that an asynchronous schema may take. */
const checkTimeout = 5_000

/**
 * What a schema makes of an event, as it is, or as a promise that does not wait for ever.
 *
 * @param remedy ends the message of the error, `validation`, of a schema that takes too long
 */
export function checkInTime<T>(
	name: string,
	checked: T | Promise<T>,
	remedy: string
): T | Promise<T> {
	if (!isPromise(checked)) return checked
	return within(checked, checkTimeout, () => {
		const message = `The schema of '${name}' did not come to an end within ${checkTimeout} ms. ${remedy}`
		return new SseError('validation', message)
	})
}
