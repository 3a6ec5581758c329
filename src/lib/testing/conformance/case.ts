import type { Broker, Entry } from '../../hub/broker.js'
import { expectEqual, patience } from './recorder.js'
import type { BrokerSettings, BrokerUnderTest, ConformanceCase } from './types.js'

/** What a case works with; everything is closed behind it. */
export interface Bench {
	readonly subject: BrokerUnderTest
	/** The name of a log that nobody else uses. */
	readonly log: string
	/** A broker on that log, or on another. */
	broker(settings?: Partial<BrokerSettings>, log?: string): Promise<Broker>
	/** Errors that brokers reported, as `stage: message`. */
	readonly errors: string[]
}

let logs = 0
// Runs of the suite may share an engine.
const run = Math.floor(Math.random() * 36 ** 6).toString(36)

export function defineCase(
	name: string,
	needs: ConformanceCase['needs'],
	body: (bench: Bench) => Promise<void>
): ConformanceCase {
	return {
		name,
		needs,
		async run(subject) {
			const brokers: Broker[] = []
			const errors: string[] = []
			const log = `conformance${run}x${++logs}`
			const onError: BrokerSettings['onError'] = (error, { stage }) =>
				void errors.push(`${stage}: ${error.message}`)
			const bench: Bench = {
				subject,
				log,
				errors,
				async broker(settings = {}, name = log) {
					const broker = await subject.create(name, { onError, ...settings })
					brokers.push(broker)
					return broker
				}
			}
			try {
				await body(bench)
			} finally {
				await Promise.all(brokers.map((broker) => broker.close()))
				if (needs.length) await recovered(subject, `${log}recovered`)
			}
		}
	}
}

/** The next case must not meet an engine, or a client of the user, that is still coming back. */
async function recovered(subject: BrokerUnderTest, log: string): Promise<void> {
	const broker = await subject.create(log, { onError: () => {} })
	await broker.append([entry('recovered')], { wait: patience })
	await broker.close()
}

export function entry(data: string, more: Partial<Entry> = {}): Entry {
	return { topic: 'topic', name: 'message', data, ...more }
}

export function numbered(count: number, prefix = ''): Entry[] {
	return Array.from({ length: count }, (_, index) => entry(`${prefix}${index}`))
}

/** Says that a tail saw exactly these payloads, in this order. */
export function expectData(recorder: { data: string[] }, expected: Entry[], claim: string): void {
	expectEqual(
		recorder.data,
		expected.map(({ data }) => data),
		claim
	)
}
