import fc from 'fast-check'
import { settled } from '../../../support/clock.js'
import { event, isUp, keys, type Handle, type Key, type World } from './world.js'

// What can happen to a connection: its user, its server, its page and time. The model is empty: what is to be expected
// follows from what users did (`Handle`) and from what the network shows (`World`).

type Model = Record<string, never>
type Command = fc.AsyncCommand<Model, World>

class Step implements Command {
	readonly #name: string
	readonly #run: (world: World) => unknown
	readonly #check: (world: World) => boolean

	constructor(
		name: string,
		run: (world: World) => unknown,
		check: (world: World) => boolean = () => true
	) {
		this.#name = name
		this.#run = run
		this.#check = check
	}

	check(): boolean {
		return true
	}

	async run(_: Model, world: World): Promise<void> {
		if (!this.#check(world)) return
		await this.#run(world)
		await settled()
		world.check()
	}

	toString(): string {
		return this.#name
	}
}

const handle = fc.nat(3)
const channel = fc.nat(1)
const key = fc.constantFrom(...keys)
const names = ['message', 'other']

function want(handle: Handle): void {
	handle.isWanted = true
}

const user = [
	handle.map(
		(index) =>
			new Step(`handles[${index}].connect()`, ({ handles }) => {
				const target = handles[index]!
				target.isPinned = true
				want(target)
				target.connection.connect()
			})
	),
	handle.map(
		(index) =>
			new Step(`handles[${index}].close()`, ({ handles }) => {
				const target = handles[index]!
				target.isPinned = target.isWanted = false
				target.leftAt.fill(undefined)
				target.connection.close()
			})
	),
	fc.tuple(handle, channel).map(
		([index, at]) =>
			new Step(`handles[${index}].select('${names[at]}').on()`, (world) => {
				const target = world.handles[index]!
				world.letGo()
				const isFirst = !target.hasReaders && target.leftAt.every((left) => left === undefined)
				target.leftAt[at] = undefined
				if (isFirst) want(target)
				target.stops[at]!.push(target.connection.select(names[at]!).on(() => {}))
			})
	),
	fc.tuple(handle, channel).map(
		([index, at]) =>
			new Step(`stop a reader of '${names[at]}' of handles[${index}]`, (world) => {
				const target = world.handles[index]!
				const stop = target.stops[at]!.pop()
				if (!stop) return
				// A connection that has not answered, or is over, is not worth waiting for.
				const lingers = isUp(target) && target.connection.status !== 'connecting'
				if (target.stops[at]!.length === 0 && lingers && target.linger > 0)
					target.leftAt[at] = world.clock.now()
				stop()
			})
	)
]

/** Something that the server does on the response, or the request, under way. */
function server(name: string, run: (world: World, key: Key) => unknown, when: 'open' | 'pending') {
	return key.map(
		(key) =>
			new Step(
				`server of ${key}: ${name}`,
				async (world) => {
					world.doubted.delete(call(world, key))
					await run(world, key)
				},
				(world) => {
					const [call] = world.active(key)
					return !!call && (when === 'pending' ? call.isPending : call.body === 'open')
				}
			)
	)
}

const call = (world: World, key: Key) => world.active(key)[0]!
const hellos = new WeakSet<object>()

const network = [
	server(
		'hello',
		(world, key) => {
			const request = call(world, key)
			hellos.add(request)
			return request.hello(30_000, world.replay(request))
		},
		'pending'
	),
	server('answer as a foreign one', (world, key) => call(world, key).answer(''), 'pending'),
	server('fail', (world, key) => call(world, key).fail(), 'pending'),
	...[204, 404, 429, 503].map((status) =>
		server(
			`answer ${status}`,
			async (world, key) => {
				const request = call(world, key)
				if (status < 429) world.finish(key)
				await request.refuse(status, 'no', { 'retry-after': '2' })
			},
			'pending'
		)
	),
	server(
		'event',
		(world, key) => {
			const id = ++world.newest[key]
			return call(world, key).write(event(id))
		},
		'open'
	),
	server(
		'half an event',
		(world, key) => {
			const request = call(world, key)
			const id = ++world.newest[key]
			void request.write(event(id).slice(0, -1))
			return request.fail()
		},
		'open'
	),
	server('heartbeat', (world, key) => call(world, key).write(':\n\n'), 'open'),
	server('break off', (world, key) => call(world, key).fail(), 'open'),
	server(
		'end',
		async (world, key) => {
			const request = call(world, key)
			if (!hellos.has(request)) world.finish(key)
			await request.end()
		},
		'open'
	),
	...['done', 'denied', 'restart', 'rotate', 'slow', 'expired', 'error'].map((reason) =>
		server(
			`say ${reason}`,
			async (world, key) => {
				const request = call(world, key)
				// A foreign stream that ends is complete, whatever its comments say.
				if (!hellos.has(request) || reason === 'done' || reason === 'denied') world.finish(key)
				await request.goodbye(reason, 2_000)
			},
			'open'
		)
	)
]

const page = [
	new Step('page: offline', async (world) => {
		for (const call of world.requests.active) world.doubted.add(call)
		await world.page.tell('offline')
	}),
	new Step('page: online', (world) => world.page.tell('online')),
	new Step('page: hide', (world) => world.page.hide()),
	new Step('page: show', (world) => world.page.show()),
	new Step('page: resume', (world) => world.page.resume()),
	new Step('page: pagehide', async (world) => {
		world.isAway = true
		await world.page.tell('pagehide')
	}),
	new Step('page: pageshow', async (world) => {
		await world.page.tell('pageshow')
		world.isAway = false
	})
].map((step) => fc.constant(step))

const time = [
	fc
		.constantFrom(0, 1, 50, 99, 100, 250, 500, 1_000, 5_000, 30_000, 80_000, 400_000)
		.map((delay) => new Step(`${delay} ms pass`, ({ clock }) => clock.advance(delay))),
	fc.constant(new Step('sleep an hour', ({ clock }) => clock.sleep(3_600_000)))
]

export const commands = [...user, ...user, ...network, ...page, ...time, time[0]!]
