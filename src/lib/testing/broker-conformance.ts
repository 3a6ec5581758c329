import { appendCases } from './conformance/append-cases.js'
import { endCases } from './conformance/end-cases.js'
import { faultCases } from './conformance/fault-cases.js'
import { gapCases } from './conformance/gap-cases.js'
import { hangCases } from './conformance/hang-cases.js'
import { slowCases } from './conformance/slow-cases.js'
import { tailCases } from './conformance/tail-cases.js'
import type { BrokerUnderTest, ConformanceCase } from './conformance/types.js'

/**
 * One case for each sentence of the broker contract that can be checked. Needs no test runner: each case is a name and
 * an async function. Cases may run in any order; those with faults not beside others on the same engine. Most take
 * milliseconds, but on a busy machine each is ready to wait for 20 s several times: give them a time limit of minutes.
 *
 * @example
 * ```ts
 * import { brokerConformance, lacking } from 'sveltekit-sse/testing'
 * import { expect, test } from 'vitest'
 *
 * for (const one of brokerConformance) {
 * 	const missing = lacking(one, subject)
 * 	const run = () => expect(one.run(subject)).resolves.toBeUndefined()
 * 	test.skipIf(missing.length > 0)(one.name, run, 180_000)
 * }
 * ```
 */
export const brokerConformance: readonly ConformanceCase[] = [
	...appendCases,
	...tailCases,
	...gapCases,
	...faultCases,
	...hangCases,
	...slowCases,
	...endCases
]

/**
 * What a case needs and this broker does not offer; empty if it can run.
 *
 * @example
 * ```ts
 * import { brokerConformance, lacking } from 'sveltekit-sse/testing'
 *
 * const runnable = brokerConformance.filter((one) => lacking(one, subject).length === 0)
 * ```
 */
export function lacking(one: ConformanceCase, subject: BrokerUnderTest): string[] {
	return one.needs.filter((need) => {
		return need === 'spansProcesses' ? !subject.spansProcesses : !subject.faults?.[need]
	})
}
