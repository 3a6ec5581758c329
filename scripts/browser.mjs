// A Chromium for the tests: one without windows, which is light, else any that is there, else Playwright's own, else the system's.

import { existsSync } from 'node:fs'
import { root, tool } from './install.mjs'
import { run } from './process.mjs'
import { ensure, findAll, mayInstallHere } from './system.mjs'

/**
 * Flags that let Chromium run as root, without a graphics card and without phoning home.
 */
export const chromiumArgs = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-dev-shm-usage',
	'--disable-background-networking',
	'--disable-component-update',
	'--no-first-run'
]

/** One without windows. */
const light = 'chromium-headless-shell'

/**
 * The path of a Chromium that starts, without installing one.
 *
 * @param {(path: string) => boolean} [suits] whether this one may be it
 * @returns {Promise<string | undefined>}
 */
export async function findBrowser(suits = () => true) {
	const named = process.env.CHROMIUM_PATH
	if (named && suits(named)) {
		if (await starts(named)) return named
		throw new Error(`CHROMIUM_PATH=${named} does not start. Correct it, or unset it.`)
	}
	if (named) console.log(`CHROMIUM_PATH=${named} lacks what this needs; another Chromium is taken.`)
	const present = [...findAll(light), ...findAll('chromium')]
	for (const path of new Set([...present, await playwrightPath()])) {
		if (path && suits(path) && (await starts(path))) return path
	}
	return undefined
}

/**
 * The path of a Chromium that starts; installs one if there is none.
 *
 * @param {object} [options]
 * @param {boolean} [options.keepsPages] whether it has to have a back/forward cache, which one without windows does not
 * @returns {Promise<string>}
 */
export async function ensureBrowser({ keepsPages = false } = {}) {
	if (!keepsPages && !process.env.CHROMIUM_PATH && mayInstallHere()) await ensure(light, starts)
	const suits = (/** @type {string} */ path) => !keepsPages || !/headless[-_]shell/.test(path)
	const present = await findBrowser(suits)
	if (present) return present

	console.log('Fetching a browser (playwright install chromium) …')
	const { code, output } = await tool('playwright/cli.js', ['install', 'chromium'], {
		env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '15000' },
		quiet: true,
		timeout: 5 * 60_000
	})
	if (code !== 0) console.log(`  ${output.match(/^Error: .*/m)?.[0] ?? 'That failed.'}`)
	const fetched = await playwrightPath()
	if (fetched && (await starts(fetched))) return fetched

	const { path, reason } = await ensure('chromium', starts)
	if (path) return path
	throw new Error(
		`The browser tests need Chromium or Chrome, and none could be installed: ${reason}.\n` +
			'Install one, or set CHROMIUM_PATH to its executable.'
	)
}

/** Where Playwright keeps its own Chromium. */
async function playwrightPath() {
	if (!existsSync(`${root}/node_modules/playwright`)) return undefined
	const { chromium } = await import('playwright')
	const path = chromium.executablePath()
	return existsSync(path) ? path : undefined
}

/**
 * A file that is there may still not run: libraries missing, or a stub that wants a package manager.
 *
 * @param {string} path
 */
async function starts(path) {
	const { code, output } = await run(path, ['--version'], { quiet: true, timeout: 60_000 })
	return code === 0 && /\d+\.\d+/.test(output)
}
