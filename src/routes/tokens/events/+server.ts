import { error } from '@sveltejs/kit'
import { setTimeout as sleep } from 'node:timers/promises'
import { produce } from 'sveltekit-sse'
import { answers } from '../answers.js'
import type { RequestEvent } from './$types.js'

export function POST({ url, request }: RequestEvent) {
	const { answer } = answers[url.searchParams.get('ask') ?? ''] ?? error(404, 'Ask something else.')
	const tokens = answer.match(/\s*\S{1,6}/g) ?? []

	// Events are taken from an async iterable at the pace of the client; when it ends, so does the stream. A client that
	// comes back gets the tokens behind its last id, and `resumed` tells it so.
	return produce(
		async function* start({ lastEventId, signal }) {
			for (let index = Number(lastEventId ?? -1) + 1; index < tokens.length; index++) {
				await sleep(20 + Math.random() * 60, undefined, { signal })
				yield { event: 'token', data: tokens[index], id: String(index) }
			}
		},
		{ request, resumed: true }
	)
}
