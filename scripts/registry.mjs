// Whether npm's registry answers: some tests install packages that the lock file of this repository does not pin.

import { npm } from './install.mjs'

/** @type {Promise<string | undefined> | undefined} */
let answer

/**
 * Why tests that install packages are skipped; `undefined` if npm's registry answers. It is asked once.
 *
 * @returns {Promise<string | undefined>}
 */
export function missingRegistry() {
	return (answer ??= ask())
}

async function ask() {
	const patience = ['--fetch-retries=4', '--fetch-retry-mintimeout=1000', '--fetch-retry-factor=2']
	const { code, output } = await npm(['view', 'svelte', 'version', ...patience], {
		quiet: true,
		timeout: 90_000
	})
	if (code === 0) return undefined
	const said = /^npm (?:error|ERR!) (?:network )?(\S.*)/m.exec(output)?.[1] ?? 'no answer in time'
	return `the packages come from npm's registry: ${said}`
}
