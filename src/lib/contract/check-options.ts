import { SseError } from '../errors.js'
import type { Definitions, EventsOptions } from './define-events.js'

/** Refuses options that could only fail later, and says what to write instead. */
export function checkOptions(events: Definitions, options: EventsOptions): void {
	const { validate, codec, codecs = {}, version, since } = options
	if (validate !== undefined && !['both', 'server', 'client', 'development'].includes(validate))
		throw invalid('`validate`', "'both', 'server', 'client' or 'development'")
	for (const one of [codec, ...Object.values(codecs)])
		if (one !== undefined && typeof one?.encode !== 'function')
			throw invalid('a codec', 'an object with encode() and decode(), such as textCodec')
	const stray = Object.keys(codecs).find((name) => !(name in events))
	if (stray !== undefined) throw invalid(`\`codecs.${stray}\``, 'the name of one of the events')
	for (const [name, value] of Object.entries({ version, since }))
		if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
			throw invalid(`\`${name}\``, 'a whole number, 0 or more')
	if (since !== undefined && (version === undefined || since > version))
		throw invalid('`since`', 'at most the `version`, which has to be there too')
}

export function invalid(what: string, expected: string): SseError {
	return new SseError('invalid-argument', `defineEvents(): ${what} must be ${expected}.`)
}
