import { describe, test } from 'vitest'
import { brokerConformance, lacking } from '../../src/lib/testing/broker-conformance.js'
import type { BrokerFaults, BrokerUnderTest } from '../../src/lib/testing/conformance/types.js'
import type { FaultProxy } from './fault-proxy.js'

/** Runs the suite over a broker; the whole of it, if no cases are given. */
export function conforms(
	name: string,
	subject: () => BrokerUnderTest,
	cases = brokerConformance
): void {
	describe(name, () => {
		for (const one of cases) {
			test(one.name, async (context) => {
				const missing = lacking(one, subject())
				context.skip(missing.length > 0, `it needs ${missing.join(', ')}`)
				await one.run(subject())
			})
		}
	})
}

/** A slow network, by the proxy between the client and its engine. */
export function slowness(proxy: () => FaultProxy): Pick<BrokerFaults, 'slow' | 'fast'> {
	return {
		slow: () => proxy().configure({ delay: 300, throttle: 256 * 1024 }),
		fast: () => proxy().clear()
	}
}
