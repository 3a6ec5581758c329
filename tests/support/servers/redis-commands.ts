import { createClient } from 'redis'
import type { ServerProcess } from './server-process.js'

/** Runs one command on one server. */
export async function command({ url }: ServerProcess, ...words: string[]): Promise<unknown> {
	const client = await createClient({ url }).connect()
	try {
		return await client.sendCommand(words)
	} finally {
		client.destroy()
	}
}

/** Asks a server until it says what is expected: it tells nobody by itself. */
export async function until(
	server: ServerProcess,
	words: string[],
	expected: RegExp
): Promise<void> {
	const deadline = Date.now() + 60_000
	for (;;) {
		const answer = JSON.stringify(await command(server, ...words))
		if (expected.test(answer)) return
		if (Date.now() > deadline) throw new Error(`${words.join(' ')}: not ${expected}, but ${answer}`)
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
}

/** Waits until a replica has everything that this server has. */
export async function replicated(server: ServerProcess): Promise<void> {
	// It counts from what this very connection has written, which is what all have written before.
	const client = await createClient({ url: server.url }).connect()
	try {
		await client.set('{sse}:replicated', '')
		if ((await client.wait(1, 60_000)) !== 1) throw new Error('There is no replica that follows.')
	} finally {
		client.destroy()
	}
}
