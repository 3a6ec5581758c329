import { ensure } from '../../scripts/system.mjs'

/** A program of the system that some tests need. */
export type ToolName =
	| 'redis-server'
	| 'nats-server'
	| 'postgres'
	| 'initdb'
	| 'nginx'
	| 'haproxy'
	| 'varnishd'
	| 'lighttpd'
	| 'apache2'
	| 'caddy'
	| 'h2o'
	| 'chromium'
	| 'firefox'
	| 'WebKitWebDriver'
	| 'Xvfb'

/** Finds or installs a program; throws with the line that would install it if neither works. */
export async function needTool(name: ToolName): Promise<string> {
	const { path, reason } = await ensure(name)
	if (!path) throw new Error(reason)
	return path
}

/**
 * Says why tests that need these programs are skipped, and which line would install them;
 * `undefined` if all are there, or could be installed.
 *
 * @example
 * ```ts
 * const missing = await missingTools('redis-server')
 * describe.skipIf(missing)(titled('redis broker', missing), () => {})
 * ```
 */
export async function missingTools(...names: ToolName[]): Promise<string | undefined> {
	const reasons: string[] = []
	// One after the other: an installation locks out the next one.
	for (const name of names) {
		const { reason } = await ensure(name)
		if (reason) reasons.push(reason)
	}
	return reasons.join('; ') || undefined
}

/** A title that names the reason for the skip, so that reports show it. */
export function titled(title: string, missing: string | undefined): string {
	return missing ? `${title} (skipped: ${missing})` : title
}
