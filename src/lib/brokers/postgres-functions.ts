import type { PostgresNames } from './postgres-names.js'

/**
 * The most rows that one statement numbers or prunes. A statement that takes too long is cancelled and rolled back, so
 * that a backlog of any size must be worked off in statements that are short.
 */
export const portionRows = 5_000

/** How long the functions wait for a lock before they give up: less than the default `timeout` of the broker. */
const lockTimeout = `set lock_timeout = '4s'`

/**
 * Plans stay with a session, and may have been made while the table was empty: without these, such a plan reads the
 * whole table for each portion. A plan that is avoided has a high cost, which would also start the compiler.
 */
const byIndex = `set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off`

/**
 * The functions of this version. Their names hold the version, so that processes of several versions work with one
 * table, in any order of their starts: each brings its own functions. Those of earlier versions are left where they
 * are: processes that still run need them, and so does a rollback.
 *
 * A change of what a function does, of a signature or of `portionRows` needs a new `schemaVersion`.
 */
// Names that only live inside of the SQL are quoted and of mixed case, and every table has an alias: a table may have
// any name of the grammar, and none of those can be mistaken for it.
export function functions({ table, state, channel, routine }: PostgresNames): string {
	return `-- Takes the lock under which entries are numbered. If the state is gone, a new log begins, with a new epoch.
create or replace function ${routine('lock')}() returns ${state} language plpgsql
${lockTimeout} as $$
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

-- Numbers what transactions have left pending, in the order of their inserts: the oldest rows, or all for null.
-- Returns how many; as many as asked for means that more may be left.
create or replace function ${routine('number')}("maxRows" bigint default ${portionRows})
returns bigint language plpgsql
${lockTimeout} ${byIndex} as $$
declare
	"lastState" ${state};
	"rowCount" bigint;
begin
	if not exists (select from ${table} as "logRow" where "logRow".sequence is null)
		and not exists (
			select from ${table} as "logRow" where "logRow".sequence >
				(select "stateRow".sequence from ${state} as "stateRow")
		)
	then
		return 0;
	end if;
	"lastState" := ${routine('lock')}();
	-- Rows that were inserted with a number of somebody's own get one like all others.
	update ${table} as "logRow" set sequence = null, at = null
		where "logRow".sequence > "lastState".sequence;
	with "oldestRows" as materialized (
		select "logRow".id from ${table} as "logRow"
		where "logRow".sequence is null order by "logRow".id limit "maxRows"
	), "pendingRows" as (
		select "oldRow".id, row_number() over (order by "oldRow".id) as nth from "oldestRows" as "oldRow"
	)
	update ${table} as "logRow"
		set sequence = "lastState".sequence + "pendingRows".nth, at = "lastState".at
		from "pendingRows" where "logRow".id = "pendingRows".id;
	get diagnostics "rowCount" = row_count;
	if "rowCount" > 0 then
		update ${state} as "stateRow"
			set sequence = "lastState".sequence + "rowCount", at = "lastState".at;
	end if;
	return "rowCount";
end $$;

-- Appends a batch, unless it is stored already. The lock is held until the end of the transaction. If more than a
-- portion is pending, all columns are null and the batch is not stored: number the rest, and call it again.
create or replace function ${routine('append')}(
	new_batch text, topics text[], names text[], datas text[], senders text[], flag_list text[],
	out log_epoch text, out first_sequence bigint, out appended_at bigint
) language plpgsql
${lockTimeout} ${byIndex} as $$
declare
	"lastState" ${state};
	"rowCount" bigint;
begin
	-- What was committed before this call comes before it.
	if ${routine('number')}() >= ${portionRows}
		and exists (select from ${table} as "logRow" where "logRow".sequence is null)
	then
		select "stateRow".epoch, "logRow".sequence, "logRow".at
			into log_epoch, first_sequence, appended_at
			from ${table} as "logRow" cross join ${state} as "stateRow" where "logRow".batch = new_batch;
		return;
	end if;
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

-- Drops a portion of what is too old or too much, always from the beginning; returns how many, 0 if nothing is left to
-- drop. One process at a time. What is younger than two seconds is never too much: a burst must not be gone before
-- those who follow have come to it.
create or replace function ${routine('prune')}(keep bigint, max_age bigint)
returns bigint language plpgsql
${lockTimeout} ${byIndex} as $$
declare
	"lastSequence" bigint;
	"nowMs" bigint := floor(extract(epoch from clock_timestamp()) * 1000);
	"firstRow" bigint;
	"lastOfPortion" bigint;
	"lastDropped" bigint;
	"firstYoung" bigint;
	"rowCount" bigint;
begin
	if not pg_try_advisory_xact_lock(hashtext('sveltekit-sse prune'), hashtext('${channel}')) then
		return 0;
	end if;
	select "stateRow".sequence into "lastSequence" from ${state} as "stateRow";
	select min("logRow".sequence) into "firstRow" from ${table} as "logRow";
	"lastOfPortion" := least("lastSequence", "firstRow" + ${portionRows} - 1);
	if keep is not null then
		select max("logRow".sequence) into "lastDropped" from ${table} as "logRow"
			where "logRow".sequence between "firstRow" and least("lastOfPortion", "lastSequence" - keep)
				and "logRow".at < "nowMs" - 2000;
	end if;
	if max_age is not null then
		select min("logRow".sequence) into "firstYoung" from ${table} as "logRow"
			where "logRow".sequence between "firstRow" and "lastOfPortion"
				and "logRow".at >= "nowMs" - max_age;
		"lastDropped" := greatest("lastDropped", coalesce("firstYoung" - 1, "lastOfPortion"));
	end if;
	delete from ${table} as "logRow" where "logRow".sequence between "firstRow" and "lastDropped";
	get diagnostics "rowCount" = row_count;
	return "rowCount";
end $$;

-- Wakes those who follow. The payload only says whether something is to be numbered; the rows carry the events. That
-- is the same in all versions: the trigger of an earlier one stays.
create or replace function ${routine('wake')}() returns trigger language plpgsql as $$
begin
	-- In a trigger, the transition table goes before a real table of that name.
	perform pg_notify('${channel}', case when exists (
		select from added as "newRow" where "newRow".sequence is null
	) then 'n' else '' end);
	return null;
end $$;
`
}
