import { npm } from '../../scripts/install.mjs'

/** Why apps that install packages are skipped; `undefined` if npm's registry answers. */
export async function missingRegistry(): Promise<string | undefined> {
	const patience = ['--fetch-retries=4', '--fetch-retry-mintimeout=1000', '--fetch-retry-factor=2']
	const { code, output } = await npm(['view', 'svelte', 'version', ...patience], {
		quiet: true,
		timeout: 90_000
	})
	if (code === 0) return undefined
	const said = /^npm (?:error|ERR!) (?:network )?(\S.*)/m.exec(output)?.[1] ?? 'no answer in time'
	return `the apps' packages come from npm's registry: ${said}`
}
