import { Hub } from '../../../../src/lib/hub/index.js'
import { produce } from '../../../../src/lib/produce/produce.js'

// A process that makes and reads streams of its own, follows a hub, has something else to do, and serves nobody.

const hub = new Hub({ name: 'serverless' })
const responses = [
	produce(({ emit }) => void emit('number', 1)),
	hub.stream('numbers', { request: new Request('http://localhost/') })
]
const readers = responses.map(({ body }) => body!.getReader())
for (const reader of readers) await reader.read()
void (async () => {
	for await (const event of hub.subscribe('numbers')) console.log(JSON.stringify({ event }))
})()
if (process.env.OWN) process.on('SIGTERM', () => console.log(JSON.stringify({ heard: 'SIGTERM' })))
setInterval(() => {}, 1_000)
console.log(JSON.stringify({ ready: true }))
