/**
 * A schema of any library that follows Standard Schema (valibot, zod, arktype and others), as far as it is used here.
 *
 * @see https://standardschema.dev
 */
export interface Schema<In = unknown, Out = In> {
	/** What Standard Schema asks of a library. */
	readonly '~standard': {
		/** The version of Standard Schema. */
		readonly version: 1
		/** The library's name. */
		readonly vendor: string
		/** Checks a value: what came of it, or the issues that it has. */
		readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>
		/** For the compiler only. */
		readonly types?:
			| {
					/** What goes in. */
					readonly input: In
					/** What comes out. */
					readonly output: Out
			  }
			| undefined
	}
}

export type SchemaResult<Out> =
	{ readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
	readonly message: string
	readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Without a contract: any name; what is not a string goes out as JSON, and what comes in is text. */
export interface Untyped {
	[name: string]: Schema<unknown, string>
}

/**
 * What any contract fits. It is the bound of `source` and `produce`, for `ReturnType<typeof source>` takes a bound for
 * the type parameter: such a connection has channels of every name.
 */
export interface AnyEvents {
	// eslint-disable-next-line @typescript-eslint/no-explicit-any -- An interface without an index fits no `unknown`.
	[name: string]: any
}

/** The names of the events of a contract. */
export type Name<S> = keyof S & string

/** What `emit` accepts for the event `K`. */
export type In<S, K extends keyof S> = S[K] extends Schema<infer I, infer _> ? I : S[K]

/** What a channel delivers for the event `K`. */
export type Out<S, K extends keyof S> = S[K] extends Schema<infer _, infer O> ? O : S[K]

/**
 * Which events a stream carries: made by `defineEvents`, given to `produce`, `source` and `Hub`.
 *
 * @typeParam S what each event carries: its type, or a `Schema` where what goes in differs from what comes out
 */
export interface Contract<S> {
	/** @internal For the compiler only. */
	readonly '~events'?: S
	/** Names and patterns, as they were given to `defineEvents`. */
	readonly names: readonly string[]
	/** The version of the contract, if it has one. */
	readonly version: number | undefined
	/** The oldest version that it understands. */
	readonly since: number | undefined
	/** Whether an event of this name can ever arrive. */
	has(name: string): boolean
	/**
	 * The text of one event's data.
	 *
	 * @throws {SseError} when the name is unknown, the value does not fit or cannot be written, or the schema is
	 * asynchronous.
	 */
	encode(name: string, data: unknown): string
	/**
	 * The value of one event's data, or a promise of it if the schema is asynchronous.
	 *
	 * @throws {SseError} when the text cannot be read or the value does not fit; the promise rejects with the same.
	 */
	decode(name: string, text: string): unknown
}
