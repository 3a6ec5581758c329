import { describe, test } from 'vitest'
import {
	brokerConformance,
	lacking,
	type BrokerUnderTest
} from '../../src/lib/testing/broker-conformance.js'

/** Runs the whole suite over a broker. */
export function conforms(name: string, subject: () => BrokerUnderTest): void {
	describe(name, () => {
		for (const one of brokerConformance) {
			test(one.name, async (context) => {
				const missing = lacking(one, subject())
				context.skip(missing.length > 0, `the test cannot ${missing.join(', ')} here`)
				await one.run(subject())
			})
		}
	})
}
