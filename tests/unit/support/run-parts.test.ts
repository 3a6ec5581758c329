import { afterEach, expect, test, vi } from 'vitest'
import { nothing } from '../../../scripts/parts.mjs'
import { runParts } from '../../../scripts/run-parts.mjs'

const options = { lanes: 1, work: '', args: [] }
const passes = async () => ({ sum: { ...nothing(), passed: 1 }, output: '' })

vi.spyOn(console, 'log').mockImplementation(() => {})
afterEach(() => void vi.mocked(console.log).mockClear())

test('what a step throws is a failure of its part, and all else runs', async () => {
	const throws = async () => {
		throw new Error('npm ci failed.\nno network')
	}
	const parts = { broken: { steps: [throws, passes] }, sound: { steps: [passes] } }
	const { broken, sound } = await runParts(parts, { ...options, deadline: Infinity })
	const failed = [{ name: 'broken', reason: 'npm ci failed.' }]
	expect(broken?.sum).toEqual({ ...nothing(), passed: 1, failed })
	expect(sound?.sum).toEqual({ ...nothing(), passed: 1 })
	expect(vi.mocked(console.log).mock.calls.join('\n')).toContain('no network')
})

test('what has not begun when the time is up is named', async () => {
	const deadline = Date.now() + 50
	const lasts = async () => {
		while (Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
		return passes()
	}
	const parts = { cut: { steps: [lasts, passes] }, late: { steps: [passes] } }
	const { cut, late } = await runParts(parts, { ...options, deadline })
	const reason = 'not all of it begun: the time was up'
	expect(cut?.sum).toEqual({ ...nothing(), passed: 1, failed: [{ name: 'cut', reason }] })
	const notBegun = [{ name: 'late', reason: 'not begun: the time was up' }]
	expect(late?.sum).toEqual({ ...nothing(), failed: notBegun })
})
