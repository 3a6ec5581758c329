import { describe, expect, test, vi } from 'vitest'
import { Slots } from '../../../src/lib/link/slots.js'
import type { Message } from '../../../src/lib/link/types.js'

const message = (name: string, data = name): Message => ({ name, data, id: undefined, at: 0 })

/** Slots, and what each listener heard, by its name. */
function listening(...names: string[]) {
	const slots = new Slots()
	const heard: string[] = []
	const stops = names.map((name) =>
		slots.add(name, ({ data }) => heard.push(`${name || '(none)'} ${data}`))
	)
	return { slots, heard, stops }
}

describe('an event', () => {
	test('goes to those who listen to its name, in the order in which they came', () => {
		const { slots, heard } = listening('a', 'b', 'a')
		slots.all.add(({ data }) => heard.push(`all ${data}`))
		for (const name of ['a', 'b', 'c']) slots.deliver(message(name))
		expect(heard).toEqual(['a a', 'a a', 'all a', 'b b', 'all b', 'all c'])
	})

	test('without a name goes to those of `message`, and to those of the empty name', () => {
		const { slots, heard } = listening('', 'message')
		slots.deliver(message('', 'x'))
		slots.deliver(message('', 'y'))
		expect(heard).toEqual(['message x', '(none) x', 'message y', '(none) y'])
		expect([slots.last('')?.data, slots.last('message')?.data]).toEqual(['y', 'y'])
	})

	test('of the name `message` goes to those of `message` alone', () => {
		const { slots, heard } = listening('', 'message')
		slots.deliver(message('', 'x'))
		slots.deliver(message('message', 'y'))
		expect(heard).toEqual(['message x', '(none) x', 'message y'])
		expect([slots.last('')?.data, slots.last('message')?.data]).toEqual(['x', 'y'])
	})

	test('may have a name that objects have', () => {
		const { slots, heard } = listening('__proto__', 'constructor')
		expect(slots.last('toString')).toBe(undefined)
		for (const name of ['__proto__', 'constructor', 'toString']) slots.deliver(message(name))
		expect(heard).toEqual(['__proto__ __proto__', 'constructor constructor'])
		expect(slots.last('toString')?.data).toBe('toString')
	})

	test('does not reach who has left, also in the middle of a run of one name', () => {
		const { slots, heard, stops } = listening('a', 'a')
		slots.deliver(message('a', '1'))
		stops[0]!()
		slots.deliver(message('a', '2'))
		stops[1]!()
		slots.deliver(message('a', '3'))
		slots.add('a', ({ data }) => heard.push(`late ${data}`))
		slots.deliver(message('a', '4'))
		expect(heard).toEqual(['a 1', 'a 1', 'a 2', 'late 4'])
	})

	test('reaches nobody who leaves while it is told, and who comes hears the next', () => {
		const slots = new Slots()
		const heard: string[] = []
		const stops: (() => void)[] = []
		slots.add('a', ({ data }) => {
			heard.push(`first ${data}`)
			stops.pop()?.()
			if (data === '1') slots.add('a', (late) => heard.push(`late ${late.data}`))
		})
		stops.push(slots.add('a', ({ data }) => heard.push(`second ${data}`)))
		slots.deliver(message('a', '1'))
		slots.deliver(message('a', '2'))
		expect(heard).toEqual(['first 1', 'first 2', 'late 2'])
	})

	test('reaches the others when one throws', () => {
		const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
		const slots = new Slots()
		const heard: string[] = []
		slots.add('a', () => {
			throw new Error('mine')
		})
		slots.add('a', ({ data }) => heard.push(data))
		slots.deliver(message('a'))
		expect([heard, spy.mock.calls]).toEqual([['a'], [[new Error('mine')]]])
		spy.mockRestore()
	})
})

describe('the last event of a name', () => {
	test('is there for those who come late, whether somebody listened or not', () => {
		const { slots } = listening('a')
		for (const data of ['1', '2']) for (const name of ['a', 'b']) slots.deliver(message(name, data))
		expect(['a', 'b', 'c'].map((name) => slots.last(name)?.data)).toEqual(['2', '2', undefined])
	})

	test('outlives its listeners', () => {
		const { slots, stops } = listening('a')
		slots.deliver(message('a', '1'))
		stops[0]!()
		expect(slots.last('a')?.data).toBe('1')
		const stop = slots.add('a', () => {})
		expect(slots.last('a')?.data).toBe('1')
		slots.deliver(message('a', '2'))
		stop()
		expect(slots.last('a')?.data).toBe('2')
	})

	test('is the one that made its last listener leave', () => {
		const slots = new Slots()
		const stop = slots.add('a', () => stop())
		slots.deliver(message('a', '1'))
		expect(slots.last('a')?.data).toBe('1')
	})

	test('stays while a listener of another life is stopped again', () => {
		const { slots, heard, stops } = listening('a')
		stops[0]!()
		slots.add('a', ({ data }) => heard.push(`new ${data}`))
		stops[0]!()
		slots.deliver(message('a', '1'))
		expect(heard).toEqual(['new 1'])
	})
})

describe('names that nobody listens to', () => {
	const deliver = (slots: Slots, from: number, to: number): void => {
		for (let number = from; number < to; number++) slots.deliver(message(`n${number}`))
	}
	const known = (slots: Slots, from: number, to: number): number =>
		Array.from({ length: to - from }, (_, at) => slots.last(`n${from + at}`)).filter(Boolean).length

	// A session of days, with a name for each order, kept all of them.
	test('are remembered up to 256, the latest events first', () => {
		const { slots } = listening('heard')
		slots.deliver(message('heard'))
		deliver(slots, 0, 100_000)
		expect([known(slots, 0, 99_744), known(slots, 99_744, 100_000)]).toEqual([0, 256])
		expect(slots.last('heard')?.data).toBe('heard')
	})

	test('are young again with each event', () => {
		const slots = new Slots()
		deliver(slots, 0, 256)
		slots.deliver(message('n0', 'again'))
		slots.deliver(message('new'))
		expect([slots.last('n0')?.data, slots.last('n1'), slots.last('n2')?.data]).toEqual([
			'again',
			undefined,
			'n2'
		])
	})

	test('are not made young by asking for them', () => {
		const slots = new Slots()
		deliver(slots, 0, 256)
		slots.last('n0')
		slots.deliver(message('new'))
		expect(slots.last('n0')).toBe(undefined)
	})

	test('are as young as their last listener, who has left', () => {
		const slots = new Slots()
		const stops = Array.from({ length: 1_000 }, (_, at) => slots.add(`n${at}`, () => {}))
		deliver(slots, 0, 1_000)
		expect(known(slots, 0, 1_000)).toBe(1_000)
		for (const stop of stops) stop()
		expect([known(slots, 0, 744), known(slots, 744, 1_000)]).toEqual([0, 256])
	})

	test('leave nothing behind when they had no event', () => {
		const slots = new Slots()
		deliver(slots, 0, 256)
		for (let number = 1_000; number < 2_000; number++) slots.add(`n${number}`, () => {})()
		expect(known(slots, 0, 256)).toBe(256)
	})
})
