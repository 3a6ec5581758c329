import { describe, expect, test } from 'vitest'
import { Queue } from '../../../src/lib/parts/queue.js'

const value = <T>(of: T) => ({ value: of, done: false })
const done = { value: undefined, done: true }

describe('what is added', () => {
	test('comes out in its order, whoever was first: who adds, or who asks', async () => {
		const queue = new Queue<number>()
		const asked = [queue.next(), queue.next()]
		for (const item of [1, 2, 3]) queue.push(item)
		expect(await Promise.all([...asked, queue.next()])).toEqual([1, 2, 3].map(value))
	})

	test('may be undefined', async () => {
		const queue = new Queue<undefined>()
		queue.push(undefined)
		expect([queue.size, await queue.next()]).toEqual([1, value(undefined)])
	})

	test('is counted while it waits', async () => {
		const queue = new Queue<number>()
		const sizes = [queue.size]
		for (const item of [1, 2, 3]) queue.push(item)
		sizes.push(queue.size)
		await queue.next()
		sizes.push(queue.size)
		void queue.return()
		sizes.push(queue.size)
		expect(sizes).toEqual([0, 3, 2, 0])
	})

	test('comes out before the end', async () => {
		const queue = new Queue<number>()
		queue.push(1)
		queue.end()
		queue.push(2)
		expect([await queue.next(), await queue.next(), await queue.next()]).toEqual([
			value(1),
			done,
			done
		])
	})

	test('is taken in time that does not grow with what waits', async () => {
		const queue = new Queue<number>()
		const count = 200_000
		for (let item = 0; item < count; item++) queue.push(item)
		let sum = 0
		for (let item = 0; item < count; item++) sum += (await queue.next()).value!
		expect([sum, queue.size]).toEqual([(count * (count - 1)) / 2, 0])
	})

	test('stays in order when adding and taking alternate for long', async () => {
		const queue = new Queue<number>()
		let next = 0
		let expected = 0
		for (let round = 0; round < 2_000; round++) {
			for (let item = 0; item < 3; item++) queue.push(next++)
			for (let item = 0; item < 2; item++)
				if ((await queue.next()).value !== expected++) throw new Error(`not ${expected - 1}`)
		}
		expect(queue.size).toBe(2_000)
		while (queue.size > 0) expect((await queue.next()).value).toBe(expected++)
	})
})

describe('the end', () => {
	test('is told to all who wait', async () => {
		const queue = new Queue<number>()
		const waiting = [queue.next(), queue.next()]
		queue.end()
		expect(await Promise.all(waiting)).toEqual([done, done])
		expect(queue.isEnded).toBe(true)
	})

	test('with an error is told once: to the first who waits', async () => {
		const queue = new Queue<number>()
		const waiting = [queue.next(), queue.next()]
		queue.end(new Error('mine'))
		await expect(waiting[0]).rejects.toThrow('mine')
		expect([await waiting[1], await queue.next()]).toEqual([done, done])
	})

	test('with an error is told once: to who asks behind the last item', async () => {
		const queue = new Queue<number>()
		queue.push(1)
		queue.end(new Error('mine'))
		expect(await queue.next()).toEqual(value(1))
		await expect(queue.next()).rejects.toThrow('mine')
		expect(await queue.next()).toEqual(done)
	})

	test('comes once: what is told later does not count', async () => {
		let calls = 0
		const queue = new Queue<number>(() => calls++)
		queue.end()
		queue.end(new Error('mine'))
		expect([await queue.next(), calls]).toEqual([done, 1])
	})

	test('calls what it was made with, in the moment in which it comes', async () => {
		let calls = 0
		const ended = new Queue<number>(() => calls++)
		ended.push(1)
		ended.end()
		expect(calls).toBe(1)
		void new Queue<number>(() => calls++).return()
		expect(calls).toBe(2)
		new Queue<number>(() => calls++).throw().catch(() => {})
		expect(calls).toBe(3)
	})
})

describe('a loop', () => {
	test('has everything, and ends with the queue', async () => {
		const queue = new Queue<number>()
		const got: number[] = []
		const loop = (async () => {
			for await (const item of queue) got.push(item)
		})()
		for (const item of [1, 2]) queue.push(item)
		await Promise.resolve()
		queue.push(3)
		queue.end()
		await loop
		expect(got).toEqual([1, 2, 3])
	})

	test('that is left ends the queue, and drops what waits', async () => {
		let calls = 0
		const queue = new Queue<number>(() => calls++)
		for (const item of [1, 2, 3]) queue.push(item)
		for await (const _ of queue) break
		expect([calls, queue.size, queue.isEnded, await queue.next()]).toEqual([1, 0, true, done])
	})

	test('can be told to stop by `throw`, which gives the error back', async () => {
		const queue = new Queue<number>()
		const waiting = queue.next()
		queue.push(1)
		queue.push(2)
		await expect(queue.throw(new Error('mine'))).rejects.toThrow('mine')
		expect([await waiting, await queue.next()]).toEqual([value(1), done])
	})

	test('that is left hears of no error that waited', async () => {
		const queue = new Queue<number>()
		queue.push(1)
		queue.end(new Error('mine'))
		expect([await queue.return(), await queue.next()]).toEqual([done, done])
	})

	test('may be one of several over the same queue', () => {
		const queue = new Queue<number>()
		expect(queue[Symbol.asyncIterator]()).toBe(queue)
	})
})
