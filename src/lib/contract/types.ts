/**
 * A schema of any library that follows Standard Schema (valibot, zod, arktype and others), as far as it is used here.
 *
 * @see https://standardschema.dev
 */
export interface Schema<In = unknown, Out = In> {
	readonly '~standard': {
		readonly version: 1
		readonly vendor: string
		readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>
		readonly types?: { readonly input: In; readonly output: Out } | undefined
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

/** The names of the events of a contract. */
export type Name<S> = keyof S & string

/** What `emit` accepts for the event `K`. */
export type In<S, K extends keyof S> = S[K] extends Schema<infer I, infer _> ? I : S[K]

/** What a channel delivers for the event `K`. */
export type Out<S, K extends keyof S> = S[K] extends Schema<infer _, infer O> ? O : S[K]

/** Which events a stream carries: made by `defineEvents`, given to `produce` and `source`. */
export interface Contract<S> {
	readonly schemas: S
	/** The text of one event's data; throws when the value does not fit or cannot be written. */
	encode(name: string, data: unknown): string
	/** The value of one event's data; throws when the text cannot be read or does not fit. */
	decode(name: string, text: string): unknown
	/** Whether an event of this name can ever arrive. */
	has(name: string): boolean
}
