import { connect, type Socket } from 'node:net'

// Many streams on bare sockets: opens them all, says so, and when the last has ended says how they ended.

const port = Number(process.env.PORT)
const count = Number(process.env.COUNT)
/** Connections that may be under way at once. */
const atOnce = 200

const request = 'POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n'
const ends: { at: number; last: string }[] = []

function say(line: unknown): void {
	console.log(JSON.stringify(line))
}

function open(): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request))
		let last = ''
		socket.on('data', (bytes) => {
			last = (last + bytes.toString('latin1')).slice(-400)
			if (last.includes(' hello ')) resolve(socket)
			if (last.includes(' close ')) socket.end()
		})
		socket.on('error', reject)
		socket.on('close', () => {
			ends.push({ at: performance.now(), last })
			if (ends.length === count) sayEnds()
		})
	})
}

function sayEnds(): void {
	const retries = ends.map(({ last }) => Number(/retry: (\d+)/.exec(last)?.[1] ?? -1))
	const tenths = Array.from({ length: 10 }, (_, tenth) => {
		return retries.filter((retry) => Math.floor(retry / 500) === tenth).length
	})
	const restarted = ends.filter(({ last }) => last.includes(' close restart')).length
	say({ ended: count, restarted, tenths, took: ends.at(-1)!.at - ends[0]!.at })
}

let left = count
await Promise.all(
	Array.from({ length: atOnce }, async () => {
		while (left-- > 0) await open()
	})
)
say({ open: count })
