import { functions } from './postgres-functions.js'
import { namesOf, type PostgresNames } from './postgres-names.js'
import { schemaVersion, versionComment, versionPattern } from './postgres-version.js'

/**
 * The SQL that makes the log: two tables, a trigger and five functions. Run it with your own migrations, or call
 * `migrate()`. Running it again changes nothing, or brings an earlier version up to date. The comment on the table
 * holds the version.
 *
 * If an earlier version is brought up to date, the table is locked for a moment: the SQL waits for transactions that
 * have published, and everybody who publishes waits behind it. `migrate()` limits that wait; with your own migrations
 * set a `lock_timeout`.
 *
 * Rows may be inserted by anyone, in any language and from any trigger:
 * `insert into sveltekit_sse (topic, name, data) values ('orders', 'created', '{"id":1}')`. PostgreSQL refuses a row
 * that no client could be sent: with a topic that is empty or over 512 characters, a name that is empty or has a line
 * end, or unknown flags.
 *
 * @example
 * ```ts
 * import { migration } from 'sveltekit-sse/postgres'
 *
 * console.log(migration())
 * ```
 */
export function migration(options: { table?: string } = {}): string {
	const names = namesOf(options.table ?? 'sveltekit_sse')
	return `-- The log of sveltekit-sse, in ${names.table}.
select ${migrationLock(names.channel)};

${preparation(names)}
${completion(names, null)}`
}

/** The first part of the migration: what can be made while others use the table. */
export function preparation(names: PostgresNames): string {
	const { table, state, bare } = names
	return `-- A row is pending (sequence null) from its insert until its transaction has committed and somebody numbers it.
create table if not exists ${table} (
	id bigint generated always as identity primary key,
	sequence bigint unique,
	topic text not null,
	name text not null,
	data text not null,
	sender text,
	flags text not null default '',
	batch text,
	at bigint,
	${checksOf(bare)
		.map(({ text }) => text)
		.join(',\n\t')}
);

-- One row: the epoch of the log, the sequence and the time of its last entry.
create table if not exists ${state} (
	singleton boolean primary key default true check (singleton),
	epoch text not null,
	sequence bigint not null,
	at bigint not null
);

${functions(names)}`
}

/** Raised by the second part of the migration if more rows are pending than it may number. */
export const backlogState = 'SSE01'

/**
 * The second part of the migration, which needs the table for itself. Everybody who publishes waits for it, so that it
 * may number `maxRows` pending rows at most; `null` is no limit.
 */
export function completion(names: PostgresNames, maxRows: number | null): string {
	const { table, state, bare, routine } = names
	const checks = checksOf(bare)
	return `-- Only what is missing is made: each of these takes a lock that stops publishers, even if there is nothing to do.
do $$
begin
	if not exists (
		select from pg_trigger as "madeTrigger"
		where "madeTrigger".tgrelid = '${table}'::regclass and "madeTrigger".tgname = '${bare}_wake'
	) then
		create trigger "${bare}_wake" after insert on ${table}
			referencing new table as added
			for each statement execute function ${routine('wake')}();
	end if;
	if not ${hasIndex(table, `${bare}_batch`)} then
		create unique index "${bare}_batch" on ${table} (batch) where batch is not null;
	end if;
	if not ${hasIndex(table, `${bare}_pending`)} then
		create index "${bare}_pending" on ${table} (id) where sequence is null;
	end if;
	-- A table of an earlier version may hold rows that break the constraints. They may stay, but an update of such a
	-- row is refused, so that all are numbered before.
	if (
		select count(*) from pg_constraint as "madeCheck"
		where "madeCheck".conrelid = '${table}'::regclass
			and "madeCheck".conname in (${checks.map(({ name }) => name.replaceAll('"', "'")).join(', ')})
	) < ${checks.length} then
		lock table ${table} in access exclusive mode;
		-- Here, and not in the function, so that the caller's lock_timeout holds.
		perform from ${state} as "stateRow" for update;
		${
			maxRows === null
				? `perform ${routine('number')}(null);`
				: `if ${routine('number')}(${maxRows}) >= ${maxRows}
			and exists (select from ${table} as "logRow" where "logRow".sequence is null)
		then
			raise exception 'More rows are pending than may be numbered now.' using errcode = '${backlogState}';
		end if;`
		}
		alter table ${table}
			${checks.map(({ name }) => `drop constraint if exists ${name}`).join(',\n\t\t\t')},
			${checks.map(({ text }) => `add ${text} not valid`).join(',\n\t\t\t')};
	end if;
	-- A process of an earlier version, which brings its functions, does not lower the version.
	if coalesce(substring(
		obj_description('${table}'::regclass, 'pg_class') from '${versionPattern}'
	)::int, 0) < ${schemaVersion} then
		comment on table ${table} is '${versionComment}';
	end if;
end $$;
`
}

function checksOf(bare: string): { name: string; text: string }[] {
	const checks = [
		[`"${bare}_topic_can_be_sent"`, 'char_length(topic) between 1 and 512'],
		[
			`"${bare}_name_can_be_sent"`,
			`name <> '' and strpos(name, chr(10)) = 0 and strpos(name, chr(13)) = 0`
		],
		[`"${bare}_flags_are_known"`, `translate(flags, 'cj', '') = ''`]
	] as const
	return checks.map(([name, condition]) => ({
		name,
		text: `constraint ${name} check (${condition})`
	}))
}

/** Migrations of one table take turns, until the end of their transactions. */
export function migrationLock(table: string): string {
	return `pg_advisory_xact_lock(hashtext('sveltekit-sse'), hashtext('${table}'))`
}

function hasIndex(table: string, name: string): string {
	return `exists (
		select from pg_index as "madeIndex"
		join pg_class as "indexClass" on "indexClass".oid = "madeIndex".indexrelid
		where "madeIndex".indrelid = '${table}'::regclass and "indexClass".relname = '${name}'
	)`
}
