import { source } from '../../../src/lib/source/source.js'

// Tells where a request of a worker goes.
onmessage = ({ data }: MessageEvent<string>) =>
	source(data, { error: ({ response }) => postMessage(response?.url) }).connect()
