import { invalid } from '../parts/check.js'

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

/** The version of the tables and functions that `migration()` makes; the comment on the table holds it. */
export const schemaVersion = 2

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
		routine: (routine) => quoted(`_${routine}`)
	}
}

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
	const { table, state, channel, bare, routine } = namesOf(options.table ?? 'sveltekit_sse')
	const checks = [
		[`"${bare}_topic_can_be_sent"`, 'char_length(topic) between 1 and 512'],
		[
			`"${bare}_name_can_be_sent"`,
			`name <> '' and strpos(name, chr(10)) = 0 and strpos(name, chr(13)) = 0`
		],
		[`"${bare}_flags_are_known"`, `translate(flags, 'cj', '') = ''`]
	].map(([name, condition]) => ({ name, text: `constraint ${name} check (${condition})` }))
	// Names that only live inside of the SQL are quoted and of mixed case, and every table has an alias: a table may
	// have any name of the grammar, and none of those can be mistaken for it. Parameters keep their names, since
	// `create or replace` cannot change them; nothing that has a table's name stands beside them.
	return `-- The log of sveltekit-sse, in ${table}.
select ${migrationLock(channel)};

-- A row is pending (sequence null) from its insert until its transaction has committed and somebody numbers it.
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
	${checks.map(({ text }) => text).join(',\n\t')}
);

-- One row: the epoch of the log, the sequence and the time of its last entry.
create table if not exists ${state} (
	singleton boolean primary key default true check (singleton),
	epoch text not null,
	sequence bigint not null,
	at bigint not null
);

-- Takes the lock under which entries are numbered. If the state is gone, a new log begins, with a new epoch.
create or replace function ${routine('lock')}() returns ${state} language plpgsql
set lock_timeout = '${lockTimeout}' as $$
declare
	"foundState" ${state};
begin
	select "stateRow".* into "foundState" from ${state} as "stateRow" for update;
	if not found then
		delete from ${table} as "logRow" where "logRow".sequence is not null;
		insert into ${state} (epoch, sequence, at)
			values (substr(md5(random()::text || clock_timestamp()::text), 1, 10), 0, 0)
			on conflict do nothing;
		select "stateRow".* into "foundState" from ${state} as "stateRow" for update;
	end if;
	"foundState".at :=
		greatest("foundState".at, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
	return "foundState";
end $$;

-- Numbers what transactions have left pending, in the order of their inserts.
create or replace function ${routine('number')}() returns void language plpgsql
set lock_timeout = '${lockTimeout}' as $$
declare
	"lastState" ${state};
	"rowCount" bigint;
begin
	if not exists (select from ${table} as "logRow" where "logRow".sequence is null) then
		return;
	end if;
	"lastState" := ${routine('lock')}();
	with "pendingRows" as (
		select "logRow".id, row_number() over (order by "logRow".id) as nth
		from ${table} as "logRow" where "logRow".sequence is null
	)
	update ${table} as "logRow"
		set sequence = "lastState".sequence + "pendingRows".nth, at = "lastState".at
		from "pendingRows" where "logRow".id = "pendingRows".id;
	get diagnostics "rowCount" = row_count;
	if "rowCount" > 0 then
		update ${state} as "stateRow"
			set sequence = "lastState".sequence + "rowCount", at = "lastState".at;
	end if;
end $$;

-- Appends a batch, unless it is stored already. The lock is held until the end of the transaction.
create or replace function ${routine('append')}(
	new_batch text, topics text[], names text[], datas text[], senders text[], flag_list text[],
	out log_epoch text, out first_sequence bigint, out appended_at bigint
) language plpgsql
set lock_timeout = '${lockTimeout}' as $$
declare
	"lastState" ${state};
	"rowCount" bigint;
begin
	-- What was committed before this call comes before it.
	perform ${routine('number')}();
	"lastState" := ${routine('lock')}();
	log_epoch := "lastState".epoch;
	select "logRow".sequence, "logRow".at into first_sequence, appended_at
		from ${table} as "logRow" where "logRow".batch = new_batch;
	if found then
		return;
	end if;
	first_sequence := "lastState".sequence + 1;
	appended_at := "lastState".at;
	insert into ${table} (sequence, topic, name, data, sender, flags, batch, at)
		select "lastState".sequence + "newRow".nth, "newRow".t, "newRow".n, "newRow".d, "newRow".s,
			"newRow".f, case when "newRow".nth = 1 then new_batch end, "lastState".at
		from unnest(topics, names, datas, senders, flag_list) with ordinality
			as "newRow" (t, n, d, s, f, nth) order by "newRow".nth;
	get diagnostics "rowCount" = row_count;
	update ${state} as "stateRow"
		set sequence = "lastState".sequence + "rowCount", at = "lastState".at;
end $$;

-- Drops what is too old or too much, always from the beginning. One process at a time. What is younger than two
-- seconds is never too much: a burst must not be gone before those who follow have come to it.
create or replace function ${routine('prune')}(keep bigint, max_age bigint)
returns bigint language plpgsql
set lock_timeout = '${lockTimeout}' as $$
declare
	"lastState" ${state};
	"nowMs" bigint := floor(extract(epoch from clock_timestamp()) * 1000);
	"lastDropped" bigint := 0;
	"firstYoung" bigint;
	"rowCount" bigint;
begin
	if not pg_try_advisory_xact_lock(hashtext('sveltekit-sse prune'), hashtext('${channel}')) then
		return 0;
	end if;
	select "stateRow".* into "lastState" from ${state} as "stateRow";
	if keep is not null then
		select max("logRow".sequence) into "lastDropped" from ${table} as "logRow"
			where "logRow".sequence <= "lastState".sequence - keep and "logRow".at < "nowMs" - 2000;
	end if;
	if max_age is not null then
		select "logRow".sequence into "firstYoung" from ${table} as "logRow"
			where "logRow".sequence > 0 and "logRow".at >= "nowMs" - max_age
			order by "logRow".sequence limit 1;
		"lastDropped" := greatest("lastDropped", coalesce("firstYoung" - 1, "lastState".sequence));
	end if;
	delete from ${table} as "logRow" where "logRow".sequence <= "lastDropped";
	get diagnostics "rowCount" = row_count;
	return "rowCount";
end $$;

-- Wakes those who follow. The payload only says whether something is to be numbered; the rows carry the events.
create or replace function ${routine('wake')}() returns trigger language plpgsql as $$
begin
	-- In a trigger, the transition table goes before a real table of that name.
	perform pg_notify('${channel}', case when exists (
		select from added as "newRow" where "newRow".sequence is null
	) then 'n' else '' end);
	return null;
end $$;

-- Only what is missing is made: each of these takes a lock that stops publishers, even if there is nothing to do.
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
			and "madeCheck".conname in (${checks.map(({ name }) => name?.replaceAll('"', "'")).join(', ')})
	) < ${checks.length} then
		lock table ${table} in access exclusive mode;
		-- Here, and not in the function, so that the caller's lock_timeout holds.
		perform from ${state} as "stateRow" for update;
		perform ${routine('number')}();
		alter table ${table}
			${checks.map(({ name }) => `drop constraint if exists ${name}`).join(',\n\t\t\t')},
			${checks.map(({ text }) => `add ${text} not valid`).join(',\n\t\t\t')};
	end if;
end $$;

comment on table ${table} is '${versionComment(schemaVersion)}';
`
}

/** Migrations of one table take turns, until the end of their transactions. */
export function migrationLock(table: string): string {
	return `pg_advisory_xact_lock(hashtext('sveltekit-sse'), hashtext('${table}'))`
}

/** How long the functions wait for a lock before they give up: less than the default `timeout` of the broker. */
const lockTimeout = '4s'

function hasIndex(table: string, name: string): string {
	return `exists (
		select from pg_index as "madeIndex"
		join pg_class as "indexClass" on "indexClass".oid = "madeIndex".indexrelid
		where "madeIndex".indrelid = '${table}'::regclass and "indexClass".relname = '${name}'
	)`
}

function versionComment(version: number): string {
	return `sveltekit-sse ${version}`
}

/** The version that the comment on a table tells; 0 for a table without one, such as that of the first version. */
export function versionOf(comment: unknown): number {
	return Number(/^sveltekit-sse ([0-9]{1,6})$/.exec(String(comment))?.[1] ?? 0)
}
