import { unwatchFile, watchFile } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environment } from '../../src/lib/environment.js'
import { startDevServer, type DevServer, type State } from './hot-reload/dev-server.js'
import { Reading } from './reading.js'

let server: DevServer

beforeAll(async () => {
	environment.isClient = true
	server = await startDevServer()
}, 240_000)

afterAll(async () => {
	environment.isClient = false
	await server?.[Symbol.asyncDispose]()
})

/** Two clients that are there, and a count of what is published to them. */
async function audience() {
	const open = (visitor: string) =>
		new Reading(`${server.url}/events`, {
			headers: { visitor },
			cache: false,
			reconnect: { max: 500 }
		})
	const readings = [open('one'), open('other')]
	let published = 0
	for (const reading of readings) await reading.until(({ log }) => log.length > 0)
	await stands({ connections: 2, members: ['one', 'other'] })
	return {
		readings,
		/** Publishes some more, and waits until both have exactly everything. */
		async hears() {
			for (let i = 0; i < 3; i++) await server.publish(++published)
			const all = Array.from({ length: published }, (_, index) => index + 1)
			for (const reading of readings) {
				await reading.until(({ numbers }) => numbers.includes(published), 20_000)
				expect(reading.numbers).toEqual(all)
				expect(reading.gaps).toBe(0)
			}
		},
		[Symbol.dispose]() {
			for (const reading of readings) reading[Symbol.dispose]()
		}
	}
}

/** Waits until the server says this of itself; meanwhile saves a file again, for a watcher may miss one of two changes. */
async function stands(wanted: Partial<State>, file?: string): Promise<void> {
	const state = async () => {
		if (file) await server.edit(file, (text) => text)
		return server.state().catch((error: unknown) => error)
	}
	await expect.poll(state, { timeout: 50_000, interval: 500 }).toMatchObject(wanted)
}

/**
 * Waits until a page sees an edited file; meanwhile saves it again. A development server that much else keeps busy may notice
 * a change later than the page is back, and then only the next change.
 */
async function sees(reading: Reading, file: string, number: number): Promise<void> {
	await server.edit(file, (text) => text.replace(` = ${number - 1}`, ` = ${number}`))
	const numbers = async () => {
		if (!reading.numbers.includes(number)) await server.edit(file, (text) => text)
		return reading.numbers
	}
	await expect.poll(numbers, { timeout: 50_000, interval: 3_000 }).toContain(number)
	expect(new Set(reading.numbers)).toEqual(new Set([number - 1, number]))
	expect(new Set(reading.log)).toEqual(new Set(['open accepted', 'reconnecting restart']))
}

const here = { connections: 2, members: ['one', 'other'] }

test('an edited file loses no client of the hub, and none hears anything twice', async () => {
	using clients = await audience()
	await clients.hears()
	const versions = { imported: 0, own: 0, route: 0 }
	const files = {
		imported: 'src/lib/version.ts',
		own: 'src/lib/hub.ts',
		route: 'src/routes/events/+server.ts'
	}
	for (const [name, file] of Object.entries(files) as [keyof typeof files, string][]) {
		// A line more, so that the hub is made in another place of its file.
		await server.edit(file, (text) => `\n${text}`.replace(/ = 0/, ' = 1'))
		versions[name] = 1
		await stands({ versions, ...here }, file)
		await clients.hears()
	}
	// The endpoint itself was edited: they come back to its new code, and miss nothing meanwhile.
	for (const reading of clients.readings)
		await reading.until(({ log }) => log.length > 1 && log.at(-1) === 'open accepted')
	await clients.hears()
	for (const { log } of clients.readings)
		expect(new Set(log)).toEqual(new Set(['open accepted', 'reconnecting restart']))
}, 240_000)

const edited: [what: string, route: string, file: string][] = [
	['its endpoint', 'plain', 'src/routes/plain/+server.ts'],
	['its endpoint in a group', 'grouped', 'src/routes/(app)/grouped/+server.ts'],
	['a module that makes it', 'helped', 'src/lib/numbers.ts']
]
for (const [what, route, file] of edited)
	test(`a stream starts over when ${what} is edited, so that the page sees the new code`, async () => {
		using reading = new Reading(`${server.url}/${route}`, { cache: false, reconnect: { max: 500 } })
		await reading.until(({ numbers }) => numbers.length > 0)
		await sees(reading, file, reading.numbers[0]! + 1)
	}, 90_000)

// What looks at files also reports another mode, or another link, as version control and backups make them.
test('a stream stays when its endpoint has another mode and the same text', async () => {
	const file = server.file('src/routes/mode/+server.ts')
	using reading = new Reading(`${server.url}/mode`, { cache: false, reconnect: { max: 500 } })
	await reading.until(({ numbers }) => numbers.length > 0)
	// Looked at here as often as the server does: when it was seen to change three times, the server has seen it too.
	let seen = 0
	const look = (): void => void seen++
	watchFile(file, { interval: 250 }, look)
	const change = async () => {
		await chmod(file, seen % 2 ? 0o644 : 0o600)
		return seen
	}
	await expect.poll(change, { interval: 100 }).toBeGreaterThan(2)
	unwatchFile(file, look)
	expect([reading.numbers.length, reading.log]).toEqual([1, ['open accepted']])
	await sees(reading, 'src/routes/mode/+server.ts', reading.numbers[0]! + 1)
}, 90_000)

test('a server that restarts itself loses none either', async () => {
	using clients = await audience()
	await clients.hears()
	await server.edit('vite.config.js', (text) => `${text}\n`)
	await expect.poll(() => server.log, { timeout: 50_000 }).toMatch(/server restarted/)
	await stands(here)
	await clients.hears()
}, 120_000)
