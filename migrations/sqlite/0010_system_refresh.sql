-- The system refresh: when it comes, and the jobs that it makes. Times are microseconds since 1970, UTC.

create table system_schedule (
    id integer not null primary key check (id = 1),
    -- JSON of domain::schedule::Schedule.
    schedule text not null,
    -- Since when this schedule holds: earlier slots are none of its business.
    schedule_since integer not null,
    -- Slots that passed longer ago are missed, for exports and for the system refresh.
    catch_up_hours integer not null check (catch_up_hours between 1 and 168),
    -- What becomes of a slot while the run before is active.
    when_active text not null check (when_active in ('skip', 'queue')),
    -- Counts the saves.
    version integer not null
) strict;

insert into system_schedule (id, schedule, schedule_since, catch_up_hours, when_active, version)
values (1, '{"kind":"off"}', 0, 24, 'skip', 1);

create table refresh_jobs (
    id text not null primary key,
    -- One job at a time: the unique index below is over this.
    lane integer not null check (lane = 1),
    started_because text not null check (started_because in ('manual', 'schedule')),
    started_by text,
    -- The slot of the schedule that it stands for.
    slot_at integer,
    state text not null check (state in ('queued', 'processing', 'successful', 'failure', 'skipped', 'canceled')),
    reason text,
    cancel_requested_at integer,
    -- Who works on it, and until when unless renewed. The fence counts the takings-up: who comes with an older one has
    -- lost the job and writes nothing.
    lease_owner text,
    lease_until integer,
    fence integer not null,
    queued_at integer not null,
    started_at integer,
    finished_at integer,
    check ((finished_at is not null) = (state in ('successful', 'failure', 'skipped', 'canceled'))),
    check ((lease_owner is null) = (lease_until is null)),
    check (finished_at is null or lease_owner is null)
) strict;

create unique index refresh_jobs_one_active on refresh_jobs (lane) where finished_at is null;
create unique index refresh_jobs_slot on refresh_jobs (slot_at) where slot_at is not null;
create index refresh_jobs_by_time on refresh_jobs (queued_at);

-- What a job does, in dependency order.
create table refresh_tasks (
    job_id text not null references refresh_jobs (id) on delete cascade,
    position integer not null,
    kind text not null check (kind in ('source', 'segment', 'export')),
    -- The data source, segment or export, with its name as it was.
    subject_id text not null,
    name text not null,
    state text not null check (state in ('queued', 'processing', 'successful', 'failure', 'skipped', 'canceled')),
    reason text,
    -- The number of the refresh, or the id of the run, that does it.
    work text,
    started_at integer,
    finished_at integer,
    primary key (job_id, position)
) strict;

-- Did the snapshot become that of the profiles? That of a data source which is not the customer table does not.
alter table refreshes add column feeds_profiles integer not null default 1;
