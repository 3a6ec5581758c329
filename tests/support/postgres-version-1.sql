-- The log of sveltekit-sse, in "sveltekit_sse".
select pg_advisory_xact_lock(hashtext('sveltekit-sse'), hashtext('sveltekit_sse'));

-- A row is pending (sequence null) from its insert until its transaction has committed and somebody numbers it.
create table if not exists "sveltekit_sse" (
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
create unique index if not exists "sveltekit_sse_batch" on "sveltekit_sse" (batch) where batch is not null;
create index if not exists "sveltekit_sse_pending" on "sveltekit_sse" (id) where sequence is null;

-- One row: the epoch of the log, the sequence and the time of its last entry.
create table if not exists "sveltekit_sse_state" (
	singleton boolean primary key default true check (singleton),
	epoch text not null,
	sequence bigint not null,
	at bigint not null
);

-- Takes the lock under which entries are numbered. If the state is gone, a new log begins, with a new epoch.
create or replace function "sveltekit_sse_lock"() returns "sveltekit_sse_state" language plpgsql as $$
declare
	found_state "sveltekit_sse_state";
begin
	select * into found_state from "sveltekit_sse_state" for update;
	if not found then
		delete from "sveltekit_sse" where sequence is not null;
		insert into "sveltekit_sse_state" (epoch, sequence, at)
			values (substr(md5(random()::text || clock_timestamp()::text), 1, 10), 0, 0)
			on conflict do nothing;
		select * into found_state from "sveltekit_sse_state" for update;
	end if;
	found_state.at :=
		greatest(found_state.at, floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
	return found_state;
end $$;

-- Numbers what transactions have left pending, in the order of their inserts.
create or replace function "sveltekit_sse_number"() returns void language plpgsql as $$
declare
	old "sveltekit_sse_state";
	added bigint;
begin
	if not exists (select from "sveltekit_sse" where sequence is null) then
		return;
	end if;
	old := "sveltekit_sse_lock"();
	with pending as (
		select id, row_number() over (order by id) as nth from "sveltekit_sse" where sequence is null
	)
	update "sveltekit_sse" entry set sequence = old.sequence + nth, at = old.at
		from pending where entry.id = pending.id;
	get diagnostics added = row_count;
	if added > 0 then
		update "sveltekit_sse_state" set sequence = old.sequence + added, at = old.at;
	end if;
end $$;

-- Appends a batch, unless it is stored already. The lock is held until the end of the transaction.
create or replace function "sveltekit_sse_append"(
	new_batch text, topics text[], names text[], datas text[], senders text[], flag_list text[],
	out log_epoch text, out first_sequence bigint, out appended_at bigint
) language plpgsql as $$
declare
	old "sveltekit_sse_state";
	added bigint;
begin
	-- What was committed before this call comes before it.
	perform "sveltekit_sse_number"();
	old := "sveltekit_sse_lock"();
	log_epoch := old.epoch;
	select sequence, at into first_sequence, appended_at from "sveltekit_sse" where batch = new_batch;
	if found then
		return;
	end if;
	first_sequence := old.sequence + 1;
	appended_at := old.at;
	insert into "sveltekit_sse" (sequence, topic, name, data, sender, flags, batch, at)
		select old.sequence + nth, t, n, d, s, f, case when nth = 1 then new_batch end, old.at
		from unnest(topics, names, datas, senders, flag_list) with ordinality
			as entry (t, n, d, s, f, nth) order by nth;
	get diagnostics added = row_count;
	update "sveltekit_sse_state" set sequence = old.sequence + added, at = old.at;
end $$;

-- Drops what is too old or too much, always from the beginning. One process at a time. What is younger than two
-- seconds is never too much: a burst must not be gone before those who follow have come to it.
create or replace function "sveltekit_sse_prune"(keep bigint, max_age bigint)
returns bigint language plpgsql as $$
declare
	old "sveltekit_sse_state";
	now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
	until bigint := 0;
	young bigint;
	dropped bigint;
begin
	if not pg_try_advisory_xact_lock(hashtext('sveltekit-sse prune'), hashtext('sveltekit_sse')) then
		return 0;
	end if;
	select * into old from "sveltekit_sse_state";
	if keep is not null then
		select max(sequence) into until from "sveltekit_sse"
			where sequence <= old.sequence - keep and at < now_ms - 2000;
	end if;
	if max_age is not null then
		select sequence into young from "sveltekit_sse"
			where sequence > 0 and at >= now_ms - max_age order by sequence limit 1;
		until := greatest(until, coalesce(young - 1, old.sequence));
	end if;
	delete from "sveltekit_sse" where sequence <= until;
	get diagnostics dropped = row_count;
	return dropped;
end $$;

-- Wakes those who follow. The payload only says whether something is to be numbered; the rows carry the events.
create or replace function "sveltekit_sse_wake"() returns trigger language plpgsql as $$
begin
	perform pg_notify('sveltekit_sse',
		case when exists (select from added where sequence is null) then 'n' else '' end);
	return null;
end $$;
do $$
begin
	if not exists (
		select from pg_trigger
		where tgrelid = '"sveltekit_sse"'::regclass and tgname = 'sveltekit_sse_wake'
	) then
		create trigger "sveltekit_sse_wake" after insert on "sveltekit_sse"
			referencing new table as added
			for each statement execute function "sveltekit_sse_wake"();
	end if;
end $$;
