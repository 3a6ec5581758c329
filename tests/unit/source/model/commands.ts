import fc from 'fast-check'
import type { Handle } from './handle.js'
import { kinds } from './holder.js'
import type { Served } from './network.js'
import type { World } from './world.js'

// What can happen to connections: their users, their servers, their page and time.

type Run = (world: World) => unknown
type Check = (world: World) => boolean

class Step implements fc.AsyncCommand<World, World> {
	readonly check: Check
	readonly #run: Run
	#name: string

	constructor(name: string, run: Run, check: Check = () => true) {
		this.#name = name
		this.#run = run
		this.check = check
	}

	async run(_: World, world: World): Promise<void> {
		const done = await this.#run(world)
		// What it is may depend on what there is.
		if (typeof done === 'string') this.#name = done
		// Timers that are due at once.
		await world.clock.advance(0)
		world.check()
	}

	toString(): string {
		return this.#name
	}
}

const always = (name: string, run: Run) => fc.constant(new Step(name, run))

/** One of the handles, or the lines, by any number. */
const some = fc.nat(11)
const of = <T>(all: readonly T[], index: number): T => all[index % all.length]!
const channel = fc.constantFrom('message', 'other')

const user = [
	fc.tuple(some, fc.constantFrom(...kinds), channel).map(
		([index, kind, name]) =>
			new Step(kind, ({ handles }) => {
				const handle = of(handles, index)
				handle.hold(kind, name)
				return `${handle.name}: ${kind} '${name}'`
			})
	),
	fc.tuple(some, some).map(
		([index, which]) =>
			new Step(
				'release',
				({ handles }) => {
					const handle = of(handles, index)
					const holder = of([...handle.holders], which)
					handle.release(holder)
					return `${handle.name}: release '${holder.kind}' of '${holder.name}'`
				},
				({ handles }) => of(handles, index).holders.size > 0
			)
	)
]

/** What else a user may do with a handle. */
const deeds: Record<string, (handle: Handle) => void> = {
	'come and go in a moment': (handle) => handle.touch('on', 'message'),
	'connect(), and release at once': (handle) => handle.touch('connect', ''),
	'close()': (handle) => handle.close(),
	'close() at the next event': (handle) => (handle.closesAtNext = handle.isOn),
	'connect() of the last close event': (handle) => handle.connectLate()
}

const seldom = [
	fc.tuple(some, fc.constantFrom(...Object.keys(deeds))).map(
		([index, deed]) =>
			new Step(deed, ({ handles }) => {
				const handle = of(handles, index)
				deeds[deed]!(handle)
				return `${handle.name}: ${deed}`
			})
	),
	fc.oneof(
		fc
			.constantFrom(1, 2, undefined)
			.map((room) => new Step(`room = ${room}`, (world) => void (world.room = room as 1))),
		fc
			.constantFrom('a', 'b', undefined)
			.map(
				(topics) => new Step(`topics = ${topics}`, (world) => void (world.topics = topics as 'a'))
			),
		fc
			.constantFrom<number | false | undefined>(undefined, 0, 100, Infinity, false)
			.map(
				(decision) => new Step(`decide: ${decision}`, (world) => void (world.decision = decision))
			)
	),
	fc.tuple(some, fc.nat(9)).map(
		([index, luck]) =>
			new Step(
				'abort',
				({ handles }) => {
					of(handles, index).abort()
					return `${of(handles, index).name}: abort`
				},
				() => luck === 0
			)
	)
]

type ServerDeeds = Record<string, (served: Served) => Promise<void>>

/** What a server may do with a request. */
const answers: ServerDeeds = {
	hello: (served) => served.hello(),
	'hello, and not resumed': (served) => served.hello({ resumes: false }),
	'hello, retry 3000': (served) => served.hello({ retry: 3_000 }),
	'answer as a foreign one': (served) => served.answer(),
	'send the headers only': (served) => served.announce(),
	fail: (served) => served.fail(),
	204: (served) => served.refuse(204),
	404: (served) => served.refuse(404),
	503: (served) => served.refuse(503),
	'429, Retry-After 2': (served) => served.refuse(429, 2),
	'503, Retry-After 40': (served) => served.refuse(503, 40)
}

/** What it may do when it has sent headers only. */
const afterHeaders: ServerDeeds = {
	hello: (served) => served.hello(),
	'hello, and not resumed': (served) => served.hello({ resumes: false }),
	fail: (served) => served.fail(),
	end: (served) => served.end()
}

/** What it may do with an open response. */
const more: ServerDeeds = {
	event: (served) => served.events(1),
	'three events': (served) => served.events(3),
	heartbeat: (served) => served.heartbeat(),
	gap: (served) => (served.isOurs ? served.gap() : served.heartbeat()),
	'half an event': (served) => served.half(),
	'break off': (served) => served.fail(),
	end: (served) => served.end(),
	'say restart, and stay': (served) => served.goodbye('restart', { isEnding: false })
}
for (const reason of ['done', 'denied', 'restart', 'rotate', 'slow', 'expired', 'error'] as const)
	more[`say ${reason}`] = (served) => served.goodbye(reason)

/** What it may do when it has said that it ends. */
const afterGoodbye: ServerDeeds = { fail: (served) => served.fail(), end: (served) => served.end() }

function deedsOf(served: Served): ServerDeeds {
	if (served.isPending) return answers
	if (!served.isAccepted) return afterHeaders
	return served.saysGoodbye ? afterGoodbye : more
}

const busy = ({ lines }: World) => lines.filter(({ served }) => served)

/** Answers and events come more often than chance would have them: else there would be nothing to lose. */
const server = fc.tuple(some, fc.nat(999), fc.boolean()).map(
	([index, which, isKind]) =>
		new Step(
			'server',
			async (world) => {
				const line = of(busy(world), index)
				const all = Object.entries(deedsOf(line.served!))
				const [name, run] = of(isKind ? all.slice(0, 4) : all, which)
				await run(line.served!)
				return `server of ${line.name}: ${name}`
			},
			(world) => busy(world).length > 0
		)
)

const page = [
	always('page: offline', async (world) => {
		world.isOnline = false
		for (const line of world.lines) line.doubt()
		await world.page.offline()
	}),
	always('page: online', goOnline),
	...[true, false].map((isHidden) =>
		always(`page: ${isHidden ? 'hide' : 'show'}`, async ({ page, lines }) => {
			const turned = isHidden ? page.hide() : page.show()
			for (const line of lines) line.turn()
			await turned
		})
	),
	always('page: resume', async ({ page, lines }) => {
		for (const line of lines) line.resume()
		await page.resume()
	}),
	always('page: leave', async ({ page, lines }) => {
		for (const line of lines) line.pause('away')
		await page.leave()
	}),
	always('page: come back', async ({ page, lines }) => {
		for (const line of lines) line.resume(true)
		await page.comeBack()
	})
]

async function goOnline(world: World): Promise<void> {
	world.isOnline = true
	for (const line of world.lines) line.online()
	await world.page.online()
}

const time = [
	fc
		.constantFrom(0, 1, 50, 99, 100, 250, 500, 1_000, 5_000, 30_000, 80_000, 400_000)
		.map((delay) => new Step(`${delay} ms pass`, ({ clock }) => clock.advance(delay))),
	fc.constant(
		new Step(
			'sleep an hour',
			async (world) => {
				world.wokenAt = world.clock.now + 3_600_000
				await world.clock.sleep(3_600_000)
			},
			({ handles }) => handles.every(({ lingering }) => lingering === 0)
		)
	)
]

/** What a server may do with every request, and how many requests in a second that allows at most. */
const servers: Record<string, [serve: (served: Served) => void, perSecond: number]> = {
	'does not answer': [(served) => void served.fail(), 2],
	refuses: [(served) => void served.refuse(503), 2],
	'has no such page': [(served) => void served.refuse(404), 2],
	'breaks off': [
		(served) => {
			// A body that fails takes along what has not been read: no event that was missed before may be in it.
			void (served.call.lastEventId === null ? served.hello() : served.announce())
			void served.fail()
		},
		2
	],
	'has nothing to say': [
		(served) => (void served.hello(), void served.goodbye('done', { retry: 0 })),
		2
	],
	'answers and is done': [
		(served) => {
			void served.hello()
			void served.events(1)
			void served.goodbye('done', { retry: 0 })
		},
		4
	],
	'restarts after each event': [
		(served) => {
			void served.hello()
			void served.events(1)
			void served.goodbye('restart', { retry: 0 })
		},
		4
	],
	'ends after each event': [
		(served) => (void served.answer(), void served.events(1), void served.end()),
		4
	]
}

/** What somebody may do all the time meanwhile. */
const meanwhile: Record<string, (world: World, handle: Handle, round: number) => unknown> = {
	nothing: () => {},
	'connect()': (_, handle) => handle.touch('connect', ''),
	'connect() of the last close event': (_, handle) => handle.connectLate(),
	'a reader that comes and goes': (_, handle, round) => {
		if (round % 2 === 0) handle.hold('on', 'message')
		else handle.release([...handle.holders].at(-1)!)
	},
	online: (world) => goOnline(world)
}

const rounds = 50

const storm = fc
	.tuple(
		some,
		some,
		fc.constantFrom(...Object.keys(servers)),
		fc.constantFrom(...Object.keys(meanwhile))
	)
	.map(
		([place, who, manner, deed]) =>
			new Step(
				`the server ${manner} for 5 s`,
				async (world) => {
					const [serve, perSecond] = servers[manner]!
					const line = of(world.lines, place)
					const handle = of(world.handles, who)
					const before = line.requests
					line.serve = serve
					for (let round = 0; round < rounds; round++) {
						await meanwhile[deed]!(world, handle, round)
						await world.clock.advance(100)
					}
					line.serve = undefined
					const made = line.requests - before
					line.claim(made <= 5 * perSecond + 2, `${made} requests in 5 s`)
					return `server of ${line.name}: ${manner} for 5 s; all the time ${handle.name}: ${deed}`
				},
				({ handles }) => handles.every(({ isAwaitingNext }) => !isAwaitingNext)
			)
	)

export const commands = [
	...user,
	...user,
	...seldom,
	server,
	server,
	server,
	server,
	server,
	...page,
	...time,
	time[0]!,
	storm
]
