import { Hub } from 'sveltekit-sse/hub'
import { connect, engine } from '../chat/hub.server.js'
import { feed, type Machine, type Said } from './machine.js'

/** How many processes serve this site; what starts them says so. */
const count = Number(process.env.PROCESSES || 1)

/** This process. Another one that takes its place has the same number. */
const self: Machine = { number: Number(process.env.PROCESS || 1), pid: process.pid }

export const site = { self, count, engine }

export const hub = new Hub({
	name: 'machines',
	events: feed,
	broker: await connect(),
	// A process that was killed says nothing; its visitors are where they are now.
	presence: { grace: 1_000, timeout: 6_000 }
})

let counted = 0

/** Publishes from this process, to the visitors of all. */
export function say(how: Said['how']) {
	const said: Said = { from: self, number: ++counted, how }
	return hub.publish('machines', 'said', said, { wait: 10_000 })
}

// While it has visitors, a process has something to say.
setInterval(() => {
	if (hub.connections('machines') > 0) void say('by itself')
}, 1_000).unref()

/** Ends a process, whichever one this is called in. */
export function kill(pid: number) {
	return hub.publish('machines/kill', 'kill', { pid })
}

async function obey() {
	for await (const { name, data } of hub.subscribe('machines/kill', { gap() {} })) {
		if (name === 'kill' && data.pid === self.pid) process.kill(self.pid, 'SIGKILL')
	}
}

if (count > 1) obey().catch(console.error)
