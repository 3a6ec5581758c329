import { chromium, type Browser } from 'playwright'
import { inject } from 'vitest'
import { chromiumArgs } from '../../scripts/browser.mjs'

/** Port of the demo site that all of these tests share. */
export const port = Number(new URL(inject('baseUrl')).port)

export function launch(): Promise<Browser> {
	const executablePath = inject('chromiumPath')
	return chromium.launch({ executablePath, args: chromiumArgs, timeout: 90_000 })
}
