import { memory } from '../../../src/lib/hub/memory.js'
import type { Broker } from '../../../src/lib/hub/broker.js'
import { conforms } from '../../support/broker-conformance.js'

const logs = new Map<string, Broker>()

conforms('memory', () => ({
	create(log, { history, onError }) {
		const broker = logs.get(log) ?? memory({ history, onError })
		logs.set(log, broker)
		return broker
	},
	spansProcesses: false
}))
