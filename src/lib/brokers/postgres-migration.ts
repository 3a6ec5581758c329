import { invalid } from '../parts/check.js'

export interface PostgresNames {
	/** Quoted, with its schema if one was given. */
	readonly table: string
	readonly state: string
	readonly channel: string
	/** Quoted name of one of the functions. */
	readonly routine: (name: 'append' | 'number' | 'lock' | 'prune' | 'wake') => string
}

const part = '[a-z_][a-z0-9_]{0,39}'
const grammar = new RegExp(`^(?:(${part})\\.)?(${part})$`)

/** Only names that mean the same quoted and unquoted get into SQL, so that nothing has to be escaped. */
export function namesOf(table: string): PostgresNames {
	const match = grammar.exec(table)
	if (!match) {
		const expected = 'name or schema.name, each of a-z, 0-9 and _, and at most 40 long'
		throw invalid('`table`', expected, table)
	}
	const [, schema, name] = match
	const quoted = (suffix: string) => `${schema ? `"${schema}".` : ''}"${name}${suffix}"`
	return {
		table: quoted(''),
		state: quoted('_state'),
		channel: table,
		routine: (routine) => quoted(`_${routine}`)
	}
}

/**
 * The SQL that makes the log: two tables, a trigger and four functions. Run it with your own migrations, or call
 * `migrate()`. Running it again changes nothing, or brings the functions up to date.
 *
 * Rows may be inserted by anyone, in any language and from any trigger:
 * `insert into sveltekit_sse (topic, name, data) values ('orders', 'created', '{"id":1}')`.
 *
 * @example
 * ```ts
 * import { migration } from 'sveltekit-sse/postgres'
 *
 * console.log(migration())
 * ```
 */
export function migration(options: { table?: string } = {}): string {
	const { table, state, channel, routine } = namesOf(options.table ?? 'sveltekit_sse')
	const bare = table.split('.').at(-1)?.slice(1, -1) as string
	return `-- The log of sveltekit-sse, in ${table}.
select pg_advisory_xact_lock(hashtext('sveltekit-sse'), hashtext('${channel}'));

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
	at bigint
);
create unique index if not exists "${bare}_batch" on ${table} (batch) where batch is not null;
create index if not exists "${bare}_pending" on ${table} (id) where sequence is null;

-- One row: the epoch of the log, the sequence and the time of its last entry.
create table if not exists ${state} (
	singleton boolean primary key default true check (singleton),
	epoch text not null,
	sequence bigint not null,
	at bigint not null
);

-- Takes the lock under which entries are numbered. If the state is gone, a new log begins, with a new epoch.
create or replace function ${routine('lock')}() returns ${state} language plpgsql as $$
declare
	found_state ${state};
begin
	select * into found_state from ${state} for update;
	if not found then
		delete from ${table} where sequence is not null;
		insert into ${state} (epoch, sequence, at)
			values (substr(md5(random()::text || clock_timestamp()::text), 1, 10), 0, 0)
			on conflict do nothing;
		select * into found_state from ${state} for update;
	end if;
	found_state.at :=
		greatest(found_state.at, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
	return found_state;
end $$;

-- Numbers what transactions have left pending, in the order of their inserts.
create or replace function ${routine('number')}() returns void language plpgsql as $$
declare
	old ${state};
	added bigint;
begin
	if not exists (select from ${table} where sequence is null) then
		return;
	end if;
	old := ${routine('lock')}();
	with pending as (
		select id, row_number() over (order by id) as nth from ${table} where sequence is null
	)
	update ${table} entry set sequence = old.sequence + nth, at = old.at
		from pending where entry.id = pending.id;
	get diagnostics added = row_count;
	if added > 0 then
		update ${state} set sequence = old.sequence + added, at = old.at;
	end if;
end $$;

-- Appends a batch, unless it is stored already. The lock is held until the end of the transaction.
create or replace function ${routine('append')}(
	new_batch text, topics text[], names text[], datas text[], senders text[], flag_list text[],
	out log_epoch text, out first_sequence bigint, out appended_at bigint
) language plpgsql as $$
declare
	old ${state};
	added bigint;
begin
	-- What was committed before this call comes before it.
	perform ${routine('number')}();
	old := ${routine('lock')}();
	log_epoch := old.epoch;
	select sequence, at into first_sequence, appended_at from ${table} where batch = new_batch;
	if found then
		return;
	end if;
	first_sequence := old.sequence + 1;
	appended_at := old.at;
	insert into ${table} (sequence, topic, name, data, sender, flags, batch, at)
		select old.sequence + nth, t, n, d, s, f, case when nth = 1 then new_batch end, old.at
		from unnest(topics, names, datas, senders, flag_list) with ordinality
			as entry (t, n, d, s, f, nth) order by nth;
	get diagnostics added = row_count;
	update ${state} set sequence = old.sequence + added, at = old.at;
end $$;

-- Drops what is too old or too much, always from the beginning. One process at a time. What is younger than two
-- seconds is never too much: a burst must not be gone before those who follow have come to it.
create or replace function ${routine('prune')}(keep bigint, max_age bigint)
returns bigint language plpgsql as $$
declare
	old ${state};
	now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
	until bigint := 0;
	young bigint;
	dropped bigint;
begin
	if not pg_try_advisory_xact_lock(hashtext('sveltekit-sse prune'), hashtext('${channel}')) then
		return 0;
	end if;
	select * into old from ${state};
	if keep is not null then
		select max(sequence) into until from ${table}
			where sequence <= old.sequence - keep and at < now_ms - 2000;
	end if;
	if max_age is not null then
		select sequence into young from ${table}
			where sequence > 0 and at >= now_ms - max_age order by sequence limit 1;
		until := greatest(until, coalesce(young - 1, old.sequence));
	end if;
	delete from ${table} where sequence <= until;
	get diagnostics dropped = row_count;
	return dropped;
end $$;

-- Wakes those who follow. The payload only says whether something is to be numbered; the rows carry the events.
create or replace function ${routine('wake')}() returns trigger language plpgsql as $$
begin
	perform pg_notify('${channel}',
		case when exists (select from added where sequence is null) then 'n' else '' end);
	return null;
end $$;
do $$
begin
	if not exists (
		select from pg_trigger
		where tgrelid = '${table}'::regclass and tgname = '${bare}_wake'
	) then
		create trigger "${bare}_wake" after insert on ${table}
			referencing new table as added
			for each statement execute function ${routine('wake')}();
	end if;
end $$;
`
}
