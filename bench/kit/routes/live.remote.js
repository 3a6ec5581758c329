import { getRequestEvent, query } from '$app/server'

/** The events of whoever asks: what serves the request hands them over. */
export const live = query.live(async function* () {
	const { platform } = getRequestEvent()
	yield* platform.events()
})
