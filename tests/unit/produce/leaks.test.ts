import { expect } from 'vitest'
import { collectGarbage } from '../../support/garbage.js'
import { Program } from '../../support/program.js'
import { Produced, test } from './fixture.js'

interface Left {
	running: number
	streams: number
	resources: Record<string, number>
	listeners: number[]
	unhandled: string[]
	heap: number
}

test(
	'a thousand visits leave no stream, handle, timer, listener or memory behind',
	{ timeout: 60_000 },
	async () => {
		await using rounds = new Program(new URL('programs/rounds.ts', import.meta.url), {
			env: { ROUNDS: '1000' },
			flags: ['--expose-gc']
		})
		const { before, after, started } = await rounds.next<{
			before: Left
			after: Left
			started: number
		}>()
		const { heap, ...rest } = after
		expect(started).toBe(1_300)
		expect(rest).toEqual({
			running: 0,
			streams: 0,
			// The server that listens, and stdout and stderr.
			resources: { ...before.resources },
			listeners: before.listeners,
			unhandled: []
		})
		expect(after.resources).not.toHaveProperty('Timeout')
		expect(heap - before.heap).toBeLessThan(1_000_000)
		// And nothing of ours keeps it alive.
		expect(await rounds.exit).toEqual({ code: 0, signal: null })
		expect(rounds.errors).toBe('')
	}
)

test.for<[string, (produced: Produced) => unknown]>([
	['its client left', ({ response }) => response.body!.cancel()],
	['was read to its end', (produced) => (produced.connection.close(), produced.read().ended)]
])('a stream that %s is collected with everything around it', async ([, end], { clock }) => {
	let collected = 0
	const registry = new FinalizationRegistry(() => collected++)
	for (let i = 0; i < 10; i++) {
		const held = { i }
		registry.register(held, undefined)
		await end(new Produced({ ping: 1_000, maxDuration: 60_000 }, () => () => void held))
	}
	await clock.advance(1_000)
	await collectGarbage(() => collected === 10)
	expect([collected, clock.timers]).toEqual([10, 0])
})
