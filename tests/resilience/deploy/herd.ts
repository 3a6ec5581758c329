import { Link, type Member, type Transition } from '../../../src/lib/link/link.js'

// Many links of the library in one process. Says when all are open, and, after a restart of the server, how they came
// back: how long each waited, when it was open again, and whether it missed a number.

const port = Number(process.env.PORT)
const count = Number(process.env.COUNT)

function say(line: unknown): void {
	console.log(JSON.stringify(line))
}

class Client {
	readonly link: Link
	opened = 0
	lostAt: number | undefined
	openAgainAt: number | undefined
	/** Why it was lost, in the order in which that happened. */
	readonly reasons: string[] = []
	/** Milliseconds that it waits after the first loss. */
	delay = 0
	/** Requests after the first loss. */
	attempts = 0
	last: number | undefined
	missed = 0
	repeated = 0
	caughtUp = false

	constructor() {
		this.link = new Link({
			url: `http://127.0.0.1:${port}/events`,
			method: 'POST',
			headers: undefined,
			body: undefined,
			init: {},
			fetch: (...request) => {
				if (this.lostAt !== undefined) this.attempts++
				return fetch(...request)
			},
			reconnect: {},
			connectTimeout: 30_000,
			watchdog: undefined,
			pauseAfter: undefined,
			lastEventId: undefined,
			events: undefined
		})
		this.link.slots.add('number', ({ data }) => this.number(Number(data)))
		const member: Member = {
			transition: (transition) => this.hear(transition),
			fresh: () => {},
			gap: () => this.missed++,
			parsed: () => {}
		}
		this.link.join(member, undefined)
		this.link.connect()
	}

	hear({ status, reason, delay }: Transition): void {
		if (status === 'open') {
			this.opened++
			if (this.lostAt !== undefined) this.openAgainAt ??= performance.now() - this.lostAt
		} else if (delay !== undefined) {
			if (this.lostAt === undefined) this.delay = delay
			this.lostAt ??= performance.now()
			this.reasons.push(reason)
		}
	}

	number(number: number): void {
		if (this.last !== undefined && number > this.last + 1) this.missed++
		if (this.last !== undefined && number <= this.last) this.repeated++
		this.last = number
		if (this.openAgainAt !== undefined) this.caughtUp = true
	}
}

const clients: Client[] = []

function until(holds: (client: Client) => boolean): Promise<void> {
	return new Promise((resolve) => {
		const timer = setInterval(() => {
			if (clients.length < count || !clients.every(holds)) return
			clearInterval(timer)
			resolve()
		}, 20)
	})
}

// In waves: two thousand connections in one tick are a herd that no deploy makes.
while (clients.length < count) {
	const wave = Array.from({ length: Math.min(50, count - clients.length) }, () => new Client())
	clients.push(...wave)
	while (!wave.every(({ last }) => last !== undefined)) {
		await new Promise((resolve) => setTimeout(resolve, 5))
	}
}
say({ open: count })
await until(({ openAgainAt, caughtUp }) => openAgainAt !== undefined && caughtUp)
say({
	back: count,
	firstReasons: counts(clients.map(({ reasons }) => reasons[0]!)),
	delays: clients.map(({ delay }) => delay),
	openAgain: clients.map(({ openAgainAt }) => Math.round(openAgainAt!)),
	attempts: clients.reduce((sum, { attempts }) => sum + attempts, 0),
	missed: clients.reduce((sum, { missed }) => sum + missed, 0),
	repeated: clients.reduce((sum, { repeated }) => sum + repeated, 0)
})
process.exit()

function counts(values: string[]): Record<string, number> {
	const sums: Record<string, number> = {}
	for (const value of values) sums[value] = (sums[value] ?? 0) + 1
	return sums
}
