import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Major } from '../../scripts/kit.mjs'
import { App, type Server } from '../support/app.js'
import { startNats, startPostgres, startRedis, type ServerProcess } from '../support/servers.js'
import { missingTools, titled, type ToolName } from '../support/tools.js'
import { startFaultProxy } from '../support/fault-proxy.js'
import { launchChromium, visit, type Browser } from '../support/watched-page.js'
import { missingRegistry } from '../../scripts/registry.mjs'
import { cuts, engineCuts } from './cuts.js'
import { documented, documents, type Documented } from './documents.js'
import { looks, open, reset, seesWhatIsAnnounced, variables } from './looks.js'

/** The engines of the hub, by the variable that says where they are. */
const engines = {
	// What was stored survives a kill.
	REDIS_URL: { tool: 'redis-server', start: () => startRedis({ appendonly: true }) },
	DATABASE_URL: { tool: 'initdb', start: startPostgres },
	NATS_URL: { tool: 'nats-server', start: startNats }
} satisfies Record<string, { tool: ToolName; start: () => Promise<ServerProcess> }>
type EngineName = keyof typeof engines
const names = Object.keys(engines) as EngineName[]

const hubFile = 'src/lib/server/hub.ts'

/** Every example of the documents, in projects of one major version of SvelteKit. */
export async function describeExamples(major: Major): Promise<void> {
	const missing = await missingRegistry()
	for (const document of documents) {
		const parts = documented(document, major)
		if (parts.shown.length === 0) continue
		const title = titled(`the examples of ${document} on SvelteKit ${major}`, missing)
		describe.skipIf(missing)(title, () => describeDocument(document, parts, major))
	}
	await describeEngines(major)
}

function describeDocument(document: string, parts: Documented, major: Major): void {
	let app: App
	beforeAll(async () => {
		app = await makeApp(parts, major)
		// Beside the file that they are instead of, so that one check sees them all.
		for (const [path, texts] of parts.alternatives) {
			texts.forEach((text, index) => app.write(path.replace('.ts', `.${index}.ts`), text))
		}
	})
	afterAll(() => app?.[Symbol.asyncDispose]())

	test('type-check', async () => {
		await app.run('check', '--fail-on-warnings')
	})

	const pages = pagesOf(parts)
	test('have an expectation for each page', () => {
		expect(Object.keys(looks[document] ?? {}).sort()).toEqual(pages)
	})
	if (pages.length > 0) describePages(document, () => app)
	if (document === 'docs/testing.md') {
		// The others need a browser, and run in tests of ours.
		test('pass as tests of the project', async () => {
			const files = ['src/lib/list', 'src/routes/orders']
			const output = await app.run('test:unit', '--run', '--project', 'server', ...files)
			expect(output).toMatch(/Test Files\s+7 passed/)
		})
	}
}

function describePages(document: string, app: () => App): void {
	describe('built and served', () => {
		let server: Server
		let browser: Browser
		beforeAll(async () => {
			await app().run('build')
			server = await app().start('build', variables)
			browser = await launchChromium()
		})
		afterAll(() => browser?.close())

		test.for(Object.entries(looks[document]!))(
			'show what they are to show: %s',
			async ([path, look]) => {
				{
					await using page = await visit(browser, `${server.url}${path}`)
					await look(page, server)
					expect(page.complaints).toEqual([])
				}
				await expect.poll(() => open(server)).toEqual({ streams: 0, loops: 0 })
			}
		)

		test('leave no error in the log of the server', () => {
			expect(server.output()).not.toMatch(/error/i)
		})

		test.for(Object.entries(cuts[document] ?? {}))('do no harm: %s', async ([, cut]) => {
			await reset(server)
			{
				await using proxy = await startFaultProxy(server.port)
				await cut({ browser, proxy, server })
			}
			await expect.poll(() => open(server)).toEqual({ streams: 0, loops: 0 })
		})
	})
}

/** The hubs of docs/hub.md that keep their log in an engine, in one app; its variable `HUB` says which. */
async function describeEngines(major: Major): Promise<void> {
	const parts = documented('docs/hub.md', major)
	const missing = await missingRegistry()
	const title = titled(`the hubs of docs/hub.md with an engine, on SvelteKit ${major}`, missing)
	describe.skipIf(missing)(title, async () => {
		let app: App
		let browser: Browser
		beforeAll(async () => {
			browser = await launchChromium()
			app = await makeApp(parts, major)
			for (const name of names) app.write(`src/lib/server/${name}.ts`, hubOf(name, parts))
			app.write(hubFile, chooser)
			await app.run('build')
		})
		afterAll(async () => {
			await browser?.close()
			await app?.[Symbol.asyncDispose]()
		})
		const made = () => ({ app, browser })
		for (const name of names) await describeEngine(name, made)
	})
}

/** The example that asks for this variable. */
function hubOf(name: EngineName, { alternatives }: Documented): string {
	const text = alternatives.get(hubFile)?.find((text) => text.includes(name))
	if (!text) throw new Error(`docs/hub.md has no ${hubFile} that asks for ${name}.`)
	return text
}

/**
 * The module that the app imports: loads one of the examples only, since each throws without its variable. The build, which
 * connects to none, takes any of them.
 */
const chooser = `
const hubs = { ${names.map((name) => `${name}: () => import('./${name}')`).join(', ')} }
export const { hub, pool } = await hubs[process.env.HUB ?? 'REDIS_URL']()
`

async function describeEngine(
	name: EngineName,
	made: () => { app: App; browser: Browser }
): Promise<void> {
	const { tool, start } = engines[name]
	const missing = await missingTools(tool)
	const own = { ...variables, HUB: name }

	describe(name, () => {
		// The clients would connect to an engine of this machine, and nobody would notice.
		test('refuses to work without the variable', async () => {
			await using server = await made().app.start('build', own)
			const signal = AbortSignal.timeout(20_000)
			const response = await fetch(`${server.url}/orders`, { signal })
			expect(response.status).toBe(500)
			expect(server.output()).toContain(`Set ${name}.`)
		})

		const passesOn = 'passes events on through the real engine, and lets the process end'
		test.skipIf(missing)(titled(passesOn, missing), async () => {
			await using engine = await start()
			await using server = await made().app.start('build', { ...own, [name]: engine.url })
			await using page = await visit(made().browser, `${server.url}/orders`)
			await seesWhatIsAnnounced(page, server)
			expect(await server.stop()).toBe(0)
		})

		// A module that throws is not loaded a second time.
		const waits = 'waits for an engine that starts later than the app'
		test.skipIf(missing)(titled(waits, missing), async () => {
			await using engine = await start()
			await engine.stop()
			// It sees the app try, which an engine that is not there does not.
			await using proxy = await startFaultProxy(engine.port)
			const url = engine.url.replace(`:${engine.port}`, `:${proxy.port}`)
			await using server = await made().app.start('build', { ...own, [name]: url })
			const loaded = fetch(`${server.url}/orders`, { headers: { accept: 'text/html' } })
			await proxy.until(() => proxy.accepted > 0, 30_000)
			await engine.start()
			expect((await loaded).status).toBe(200)
		})

		test.skipIf(missing).for(Object.entries(engineCuts[name] ?? {}))(
			titled('does no harm: %s', missing),
			async ([, cut]) => {
				await using engine = await start()
				await using server = await made().app.start('build', { ...own, [name]: engine.url })
				await cut({ browser: made().browser, engine, server })
				// It has not ended meanwhile, and nobody was left waiting.
				await expect.poll(() => open(server)).toEqual({ streams: 0, loops: 0 })
			}
		)
	})
}

async function makeApp({ files }: Documented, major: Major): Promise<App> {
	const app = await App.make(major, 'reader')
	for (const [path, text] of files) app.write(path, text)
	if ([...files.keys()].some((path) => path.includes('.remote.'))) allowRemoteFunctions(app)
	return app
}

/** As the documents and SvelteKit say. */
function allowRemoteFunctions(app: App): void {
	const config = readFileSync(join(app.folder, 'vite.config.ts'), 'utf8')
	const switched = 'adapter: adapter(),\n\t\t\texperimental: { remoteFunctions: true }'
	app.write('vite.config.ts', config.replace('adapter: adapter()', switched))
}

/** The paths of an app's pages. */
function pagesOf({ files }: Documented): string[] {
	return (
		[...files.keys()]
			.map((path) => /^src\/routes(.*)\/\+page\.svelte$/.exec(path)?.[1])
			// What has a parameter in its path is reached from another page.
			.filter((path) => path !== undefined && !path.includes('['))
			.map((path) => path! || '/')
			.sort()
	)
}
