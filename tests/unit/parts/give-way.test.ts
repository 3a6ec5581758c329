import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
	vi.unstubAllGlobals()
	vi.useRealTimers()
})

/** The module, as it is loaded where some of the globals are missing. */
async function load(...missing: string[]): Promise<() => Promise<void>> {
	for (const name of missing) vi.stubGlobal(name, undefined)
	vi.resetModules()
	const { giveWay } = await import('../../../src/lib/parts/give-way.js')
	vi.unstubAllGlobals()
	return giveWay
}

describe('giving way', () => {
	for (const [where, missing] of [
		['in Node', []],
		['in a browser', ['setImmediate']],
		['where there are timers only', ['setImmediate', 'MessageChannel']]
	] as const) {
		test(`lets all promises go first ${where}`, async () => {
			const giveWay = await load(...missing)
			const log: string[] = []
			void (async () => {
				for (let step = 0; step < 50; step++) await undefined
				log.push('promises')
			})()
			await giveWay()
			expect(log).toEqual(['promises'])
		})

		test(`lets timers have their turn ${where}`, async () => {
			const giveWay = await load(...missing)
			let hasRun = false
			setTimeout(() => (hasRun = true), 5)
			const until = performance.now() + 2_000
			while (!hasRun && performance.now() < until) await giveWay()
			expect(hasRun).toBe(true)
		})

		test(`leaves nothing open ${where}`, async () => {
			const giveWay = await load(...missing)
			const ports = (): number =>
				process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
			const before = ports()
			for (let time = 0; time < 10; time++) await giveWay()
			await expect.poll(ports).toBe(before)
		})
	}

	test('is not stopped by fake timers that came after it was loaded', async () => {
		const giveWay = await load()
		vi.useFakeTimers()
		await giveWay()
	})
})
