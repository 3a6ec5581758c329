import { svelte } from '@sveltejs/vite-plugin-svelte'
import { playwright } from '@vitest/browser-playwright'
import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, findBrowser } from './scripts/browser.mjs'
import { aliases } from './scripts/entries.mjs'

const alias = [
	...aliases(),
	{ find: /^\$lib\//, replacement: fileURLToPath(new URL('src/lib/', import.meta.url)) }
]

/** What is waited for comes when it comes: a poll gives up only where the test would have to. */
const patient = { poll: { timeout: 20_000 } }

const testFiles = (folder: string) => [`tests/${folder}/**/*.{test,spec}.{ts,js}`]

const extensions = ['.svelte', '.asvelte']

/** A project of tests that run in Node; `*.svelte.ts` compiles as SvelteKit's server compiles it. */
const node = (name: string, test: Record<string, unknown> = {}) => ({
	plugins: [svelte({ extensions, dynamicCompileOptions: mayAwait })],
	resolve: { alias },
	test: {
		name,
		environment: 'node' as const,
		include: testFiles(name),
		expect: patient,
		...test
	}
})

/** Components whose names say so may `await`; `svelte-check`, which knows one set of options, leaves them out. */
const mayAwait = ({ filename }: { filename: string }) =>
	filename.endsWith('.asvelte') ? { experimental: { async: true } } : undefined

/** Real components in a real browser. */
const browser = async (name: string, isAsync = false) => ({
	plugins: [svelte({ extensions, compilerOptions: { experimental: { async: isAsync } } })],
	resolve: { alias },
	optimizeDeps: {
		// Components in packages: older plugins of Svelte's leave them out by themselves, and refuse to take them in.
		exclude: ['vitest-browser-svelte', '@testing-library/svelte-core'],
		// Found in the middle of a run, they would reload the page under the tests.
		include: [
			'esm-env',
			'eventsource-parser',
			'fast-check',
			'svelte',
			'svelte/reactivity',
			'svelte/store',
			'svelte/transition',
			'sveltekit-sse-0.14',
			'valibot'
		]
	},
	test: {
		name,
		include: testFiles('browser'),
		expect: patient,
		testTimeout: 60_000,
		hookTimeout: 60_000,
		globalSetup: 'tests/browser/global-setup.ts',
		provide: { isAsync },
		browser: {
			enabled: true,
			headless: true,
			screenshotFailures: false,
			provider: playwright({
				launchOptions: { executablePath: await findBrowser(), args: chromiumArgs }
			}),
			instances: [{ browser: 'chromium' as const }]
		}
	}
})

/** Tests of the built demo site. */
const site = {
	globalSetup: 'tests/e2e/global-setup.ts',
	// Pages under test share one server and its state.
	fileParallelism: false,
	testTimeout: 120_000,
	hookTimeout: 120_000
}

/** The tests of the site that take more than Chromium and one server. */
const everyEngine = ['tests/e2e/browsers.test.ts', 'tests/e2e/machines.test.ts']

/** Tests with Redis, PostgreSQL and NATS. */
const engines = { fileParallelism: false, testTimeout: 180_000, hookTimeout: 600_000 }

export default defineConfig({
	test: {
		// A missing snapshot is a failure; `-u` writes it.
		update: 'none',
		projects: [
			node('unit', {
				// Its modules import one another as a bundler finds them, not as Node does.
				server: { deps: { inline: ['sveltekit-sse-0.14'] } },
				// Leak tests count what is left after a collection.
				execArgv: ['--expose-gc'],
				testTimeout: 30_000,
				hookTimeout: 60_000
			}),
			node('types', {
				typecheck: {
					enabled: true,
					// By its path: the older TypeScript that is installed beside it has a program of the same name.
					checker: './node_modules/typescript/bin/tsc',
					include: ['tests/types/**/*.test-d.ts'],
					tsconfig: 'tests/types/tsconfig.json'
				},
				testTimeout: 180_000
			}),
			node('package', {
				globalSetup: 'tests/package/global-setup.ts',
				testTimeout: 180_000,
				hookTimeout: 60_000
			}),
			node('e2e', { ...site, exclude: everyEngine }),
			node('e2e-kit3', {
				...site,
				include: testFiles('e2e'),
				exclude: [...everyEngine, 'tests/e2e/looks.test.ts'],
				globalSetup: 'tests/e2e/global-setup-kit3.ts',
				setupFiles: 'tests/e2e/setup-kit3.ts'
			}),
			node('browsers', { ...site, include: everyEngine }),
			node('brokers', engines),
			node('clusters', engines),
			// Processes that are killed, and machines that are kept busy: one file at a time.
			node('resilience', { fileParallelism: false, testTimeout: 120_000, hookTimeout: 240_000 }),
			node('proxies', { testTimeout: 60_000, hookTimeout: 120_000 }),
			node('compat', { fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000 }),
			node('hosts', { fileParallelism: false, testTimeout: 60_000, hookTimeout: 600_000 }),
			node('examples', { testTimeout: 120_000, hookTimeout: 300_000 }),
			{
				plugins: [svelte()],
				// The client's Svelte, and components compiled for it, in Node.
				resolve: { alias, conditions: ['browser', ...defaultServerConditions] },
				test: {
					name: 'jsdom',
					environment: 'jsdom',
					include: testFiles('jsdom'),
					expect: patient,
					testTimeout: 30_000
				}
			},
			await browser('browser'),
			// The same once more, in the mode of Svelte in which components may `await`.
			await browser('browser-async', true)
		]
	}
})
