import { source as sourceBefore } from 'sveltekit-sse-0.14'
import { source as sourceNow } from '../../../src/lib/source/source.js'

// Reads a stream with both, in a place without a document.
onmessage = ({ data: [before, now] }: MessageEvent<[string, string]>) => {
	sourceBefore(before)
		.select('message')
		.subscribe(() => {})
	sourceNow(now)
		.select('message')
		.subscribe(() => {})
}
