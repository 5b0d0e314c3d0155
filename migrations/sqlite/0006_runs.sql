-- Runs, their batches, and the rows that a destination refused. Times are microseconds since 1970, UTC.

create table runs (
    id text not null primary key,
    export_id text not null references exports (id) on delete cascade,
    -- As it was when the run was queued.
    export_name text not null,
    -- Where it goes: known when it is queued, checked again whenever it is taken up.
    connection_id text,
    brand_id text,
    -- "trigger" is a word of SQL.
    started_because text not null check (started_because in ('manual', 'schedule', 'command_line')),
    started_by text,
    state text not null check (state in ('queued', 'preparing', 'sending', 'settling', 'tagging', 'waiting',
        'successful', 'completed_with_errors', 'failed', 'canceled', 'skipped')),
    -- While it waits: the state that it goes on with.
    goes_on_with text check (goes_on_with in ('preparing', 'sending', 'settling', 'tagging')),
    reason text,
    detail text,
    waiting_until integer,
    -- Not taken up before.
    due_at integer not null,
    cancel_requested_at integer,
    -- Who works on it, and until when unless renewed. The fence counts the takings-up: who comes with an older one
    -- has lost the run and writes nothing.
    lease_owner text,
    lease_until integer,
    fence integer not null,
    -- Takings-up after a break-off, and requests that failed, since it last got on.
    recoveries integer not null,
    failures integer not null,
    progress_at integer not null,
    snapshot integer,
    settings_version integer not null,
    -- JSON of what the run works with, fixed when it was prepared.
    settings text,
    -- The run whose ledger the plan is the difference to.
    ledger_of text,
    -- Does ledgers/<export>/<id>.parquet exist?
    has_ledger integer not null,
    -- The slot of the schedule that it stands for.
    slot_at integer,
    -- The first row of the plan, and the first tag change (list and number in it), that has no batch yet.
    next_row integer not null,
    next_tag integer not null,
    next_tag_row integer not null,
    to_send integer not null,
    sent integer not null,
    tags_to_change integer not null,
    tags_changed integer not null,
    members integer not null,
    accepted integer not null,
    unchanged integer not null,
    rejected integer not null,
    held integer not null,
    unconfirmed integer not null,
    tags_added integer not null,
    tags_removed integer not null,
    requests integer not null,
    retries integer not null,
    queued_at integer not null,
    started_at integer,
    finished_at integer,
    check ((finished_at is not null)
        = (state in ('successful', 'completed_with_errors', 'failed', 'canceled', 'skipped'))),
    -- An ended run accounts for every member.
    check (finished_at is null or members = accepted + unchanged + rejected + held + unconfirmed),
    check ((state = 'waiting') = (waiting_until is not null)),
    check ((state = 'waiting') = (goes_on_with is not null)),
    check ((lease_owner is null) = (lease_until is null)),
    check (lease_owner is null or state not in ('queued', 'waiting')),
    check (finished_at is null or lease_owner is null)
) strict;

create unique index runs_one_active_per_export on runs (export_id) where finished_at is null;
create unique index runs_slot on runs (export_id, slot_at) where slot_at is not null;
create index runs_of_export on runs (export_id, queued_at);
create index runs_by_time on runs (queued_at);
create index runs_due on runs (due_at) where finished_at is null;

-- The contacts of one request. A batch is written before its request is sent, and changed after the answer.
create table batches (
    run_id text not null references runs (id) on delete cascade,
    seq integer not null,
    kind text not null check (kind in ('upsert', 'add_tag', 'remove_tag')),
    tag text,
    -- The rows of the plan: all from the first on, or (JSON list) those of them that are picked.
    first_row integer not null,
    row_count integer not null,
    picked text,
    -- planned: to be sent (again). sending: its request may be on its way. unknown: sent, and no answer says what became
    -- of it. sent: taken, and worked through there. settled: every row has its outcome. refused: its only row is refused.
    -- split: its rows are in other batches now. unconfirmed: given up on.
    state text not null check (state in ('planned', 'sending', 'unknown', 'sent', 'settled', 'refused', 'split',
        'unconfirmed')),
    -- Requests that were sent for it, and how often its rows have come back from the destination untaken.
    attempts integer not null,
    returns integer not null,
    remote_id text,
    due_at integer not null,
    sent_at integer,
    primary key (run_id, seq),
    check ((kind = 'upsert') = (tag is null)),
    check (state <> 'sent' or (remote_id is not null and sent_at is not null))
) strict;

create index batches_open on batches (run_id, state) where state <> 'settled';

-- Rows of a plan that the destination refused.
create table refused_rows (
    run_id text not null references runs (id) on delete cascade,
    plan_row integer not null,
    reason text not null,
    detail text not null,
    primary key (run_id, plan_row)
) strict;
