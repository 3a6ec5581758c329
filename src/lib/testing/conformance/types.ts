import type { Broker, BrokerHistory } from '../../hub/broker.js'

/** What a case asks of the broker that it is given. */
export interface BrokerSettings {
	/** How much of the past the log has to keep. */
	history?: BrokerHistory | undefined
	/** How long the broker waits for one answer of its engine, in milliseconds. */
	timeout?: number | undefined
	/** Hears what has no caller: hand it to the broker. */
	onError: (error: Error, context: { stage: string }) => void
}

/** What the suite needs to know of a broker to test it. */
export interface BrokerUnderTest {
	/**
	 * Makes a broker. Those with the same `log` share one log, those with different ones share nothing; a name that
	 * was not used before is an empty log. Names are of the form `[a-z][a-z0-9]*`.
	 */
	create(log: string, settings: BrokerSettings): Broker | Promise<Broker>
	/** True if brokers of several processes can share a log, so that each `create` is a broker of its own. */
	spansProcesses: boolean
	/** True if the log is still there after `kill` and `start`. */
	durable?: boolean | undefined
	/** What can be done to its engine; cases that need more are left out. */
	faults?: BrokerFaults | undefined
}

/** What can be done to the engine. Cases that need something that is missing are to be skipped by name. */
export interface BrokerFaults {
	/** Ends the engine at once, as a power cut would. Resolves when it is gone. */
	kill?(): Promise<void>
	/** Starts it again where it was, with what it had stored. Resolves when it answers. */
	start?(): Promise<void>
	/** Freezes the engine: connections stay open, nothing is answered. */
	pause?(): void | Promise<void>
	/** Ends that: what was asked meanwhile is answered. */
	resume?(): void | Promise<void>
	/**
	 * Makes the network slow: every answer of the engine is at least 300 ms late, and comes at 256 kB a second at most.
	 * A fault proxy (`sveltekit-sse/testing/node`) between client and engine does it.
	 */
	slow?(): void | Promise<void>
	/** Undoes that. */
	fast?(): void | Promise<void>
	/** Cuts all connections to the engine, which lives on. */
	cut?(): void | Promise<void>
	/** Destroys the log behind the brokers' backs, as emptying the database would. */
	lose?(log: string): Promise<void>
}

/** One claim about brokers. */
export interface ConformanceCase {
	/** A claim in the present tense. */
	readonly name: string
	/** What the broker has to offer for the case to run; see `lacking`. */
	readonly needs: readonly (keyof BrokerFaults | 'spansProcesses')[]
	/** Resolves if the claim holds; rejects with what was seen instead. Closes what it opened. */
	run(subject: BrokerUnderTest): Promise<void>
}
