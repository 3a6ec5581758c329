import { describe, test } from 'vitest'
import { memory } from '../../../src/lib/hub/memory.js'
import type { Broker } from '../../../src/lib/hub/broker.js'
import {
	brokerConformance,
	lacking,
	type BrokerUnderTest
} from '../../../src/lib/testing/broker-conformance.js'

const logs = new Map<string, Broker>()

const subject: BrokerUnderTest = {
	create(log, { history, onError }) {
		const broker = logs.get(log) ?? memory({ history, onError })
		logs.set(log, broker)
		return broker
	},
	spansProcesses: false
}

describe('memory', () => {
	for (const one of brokerConformance) {
		test.skipIf(lacking(one, subject).length > 0)(one.name, () => one.run(subject))
	}
})
