import { invalid } from '../parts/check.js'
import { schemaVersion } from './postgres-version.js'

export interface PostgresNames {
	/** Quoted, with its schema if one was given. */
	readonly table: string
	readonly state: string
	readonly channel: string
	/** The table's name without quotes and schema. */
	readonly bare: string
	/** Quoted name of one of the functions. */
	readonly routine: (name: (typeof routineNames)[number]) => string
}

/** The functions of a log. */
export const routineNames = ['append', 'number', 'lock', 'prune', 'wake'] as const

const part = '[a-z_][a-z0-9_]{0,39}'
const grammar = new RegExp(`^(?:(${part})\\.)?(${part})$`)
/** What the log of a table `name` adds to that name for its state table, its indexes and its sequence. */
const ownSuffix = /_(?:state|batch|pending|pkey|sequence_key|id_seq)$/

/** Found in `pg_catalog` before any other schema: its tables, and `row_number()`. */
const builtIn = /^(?:pg_.*|row)$/

/** Only names that mean the same quoted and unquoted get into SQL, so that nothing has to be escaped. */
export function namesOf(table: string): PostgresNames {
	const match = grammar.exec(table)
	if (!match) {
		const expected = 'name or schema.name, each of a-z, 0-9 and _, and at most 40 long'
		throw invalid('`table`', expected, table)
	}
	const [, schema, name] = match as unknown as [string, string | undefined, string]
	if (ownSuffix.test(name)) {
		const expected =
			'a name that does not end in _state, _batch, _pending, _pkey, _sequence_key or _id_seq ' +
			'(another log may need that name for its own parts; append _log)'
		throw invalid('`table`', expected, table)
	}
	if (!schema && builtIn.test(name)) {
		throw invalid('`table`', 'schema.name, since PostgreSQL has that name for itself', table)
	}
	const quoted = (suffix: string) => `${schema ? `"${schema}".` : ''}"${name}${suffix}"`
	return {
		table: quoted(''),
		state: quoted('_state'),
		channel: table,
		bare: name,
		routine: (routine) => quoted(`_${routine}_v${schemaVersion}`)
	}
}
