import { createRequire } from 'node:module'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callingFiles, fileOf } from '../../../src/lib/dev-server.js'
import { HubCore } from '../../../src/lib/hub/core.js'
import { keep } from '../../../src/lib/hub/keep.js'
import { temporaryDirectory } from '../../support/servers/temporary.js'

let root: string

beforeAll(async () => {
	root = await temporaryDirectory('calling-files')
})

afterAll(() => rm(root, { recursive: true }))

interface Module {
	named<T>(call: () => T): T
	nameless: [<T>(call: () => T) => T]
	later<T>(call: () => T): Promise<T>
	evaluated<T>(call: () => T): T
}

const text = `
function named(call) { return call() }
const nameless = [(call) => call()]
async function later(call) { await null; return call() }
function evaluated(call) { return new Function('call', 'return call()')(call) }
`

/** What Node says in a stack about each kind of module. */
const kinds = {
	mjs: 'export { named, nameless, later, evaluated }', // file:///…
	cjs: 'module.exports = { named, nameless, later, evaluated }' // /…
}

/** A file of the user's, loaded by Node itself: Vitest gives some files other names. */
async function load(path: string, kind: keyof typeof kinds = 'mjs'): Promise<[string, Module]> {
	const file = join(root, `${path}.${kind}`)
	await mkdir(dirname(file), { recursive: true })
	await writeFile(file, text + kinds[kind])
	return [file, createRequire(import.meta.url)(file) as Module]
}

// Groups of routes have parentheses, and other names have what an address has to encode.
describe('the files that call the library are found, whatever they are called', () => {
	const paths = [
		'src/routes/clock/+server',
		'src/routes/(app)/clock/+server',
		'src/routes/(app)/[id=number]/[[lang]]/[...rest]/+page@(app)',
		'My App (copy)/C#/100%/später'
	]
	const all = paths.flatMap((path) => [[path, 'mjs'] as const, [path, 'cjs'] as const])
	// As a path, it cannot be told from a query.
	all.push(['what?/later', 'mjs'])
	for (const [path, kind] of all)
		test(`${path}.${kind}`, async () => {
			const [file, { named, nameless, later, evaluated }] = await load(path, kind)
			expect([
				named(callingFiles)[0],
				nameless[0](callingFiles)[0],
				(await later(callingFiles))[0],
				evaluated(callingFiles)[0]
			]).toEqual([file, file, file, file])
		})
})

test('a caller that Node runs is no file', async () => {
	const [, { later }] = await load('later')
	// What resumes an async function is `node:internal/process/task_queues`.
	const all = await later(callingFiles)
	expect(all.filter((file) => /^\/process\/|^node:/.test(file))).toEqual([])
	expect(
		fileOf('    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)')
	).toBe(undefined)
	expect(fileOf('    at node:internal/main/run_main_module:36:49')).toBe(undefined)
})

test('a query, and how Windows writes a path, make no other file', () => {
	const lines = [
		'    at GET (/app/src/routes/(app)/+server.ts?t=1718000000000:3:9)',
		'    at async /app/src/routes/(app)/+server.ts?v=1&t=2:3:9',
		'    at GET (file:///app/src/routes/(app)/+server.ts?t=1:3:9)',
		'    at new Hub (C:\\app\\src\\routes\\(app)\\+server.ts:3:9)',
		'    at file:///C:/app/src/routes/(app)/+server.ts:3:9'
	]
	expect(lines.map(fileOf)).toEqual([
		...Array<string>(3).fill('/app/src/routes/(app)/+server.ts'),
		...Array<string>(2).fill('C:/app/src/routes/(app)/+server.ts')
	])
})

// Both came out as `/hub.mjs`, and everyone on one of the hubs heard what was published to the other.
test('hubs of two groups of routes stay two, and each is kept', async () => {
	const create = (): HubCore => new HubCore({})
	const make = ({ named }: Module): HubCore =>
		named(keep.bind(undefined, undefined, create, undefined))
	const modules = [await load('(app)/hub'), await load('(admin)/hub')]
	const [app, admin] = modules.map(([, module]) => make(module))
	expect(app).not.toBe(admin)
	expect(modules.map(([, module]) => make(module))).toEqual([app, admin])
	expect(make(modules[0]![1])).toBe(app)
	await Promise.all([app!.close(), admin!.close()])
})
