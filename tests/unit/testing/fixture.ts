import { afterEach } from 'vitest'
import { assertNothingOpen, restoreAll } from '../../../src/lib/testing/index.js'

/** What the docs tell users to write: each test of this room leaves nothing open. */
export function restoreAfterEach(): void {
	afterEach(async () => {
		try {
			await assertNothingOpen()
		} finally {
			restoreAll()
		}
	})
}

/** What a promise rejects with, as one line. */
export async function rejection(promise: PromiseLike<unknown>): Promise<string> {
	try {
		return `nothing, but gave ${JSON.stringify(await promise)}`
	} catch (thrown) {
		const { code, message } = thrown as Error & { code?: string }
		return code ? `${code}: ${message}` : message
	}
}
