import { SseError } from '../errors.js'

/** A stream of another version: `outdated`, this side is too old; `behind`, the server is. */
export interface Refusal {
	reason: 'outdated' | 'behind'
	error: SseError
}

/** Which versions one side understands. */
export interface Versions {
	readonly version: number | undefined
	readonly since: number | undefined
}

/**
 * Why this side cannot read a stream. Two sides understand one another if the version of each is at least the other's
 * `since`; a side without a version says nothing about it, and is believed.
 *
 * @param announced what the server's first frame says: `version,since`
 */
export function refuse(own: Versions, announced: string | undefined): Refusal | undefined {
	const found = /^(\d{1,15}),(\d{1,15})$/.exec(announced ?? '')
	if (!found || own.version === undefined) return undefined
	const [version, since] = [Number(found[1]), Number(found[2])]
	if (own.version < since)
		return {
			reason: 'outdated',
			error: new SseError(
				'version',
				`The stream carries version ${version} of the contract, which a client of version ${own.version} ` +
					`cannot read (the oldest that can is ${since}). Load the new version of the app: location.reload().`
			)
		}
	if (version < own.since!)
		return {
			reason: 'behind',
			error: new SseError(
				'version',
				`The stream carries version ${version} of the contract, and this client reads ${own.since} and newer. ` +
					'The server is older than the page, as in the middle of a deploy.'
			)
		}
	return undefined
}
