-- Data sources and their refreshes. Times are microseconds since 1970, UTC.

create table sources (
    id text not null primary key,
    name text not null,
    -- The name without regard to case: what has to be unique.
    name_key text not null unique,
    -- JSON of domain::source::Location.
    location text not null,
    -- The server-made name of the uploaded file: an upload belongs to one data source.
    upload text unique,
    -- JSON of domain::source::Reading.
    reading text not null,
    -- JSON of a list of domain::attribute::Attribute.
    attributes text not null,
    primary_key text,
    is_customer_table integer not null,
    -- Counts the saves, so that a refresh knows whether it read what is set now.
    version integer not null,
    created_at integer not null
) strict;

create unique index sources_one_customer_table on sources (is_customer_table) where is_customer_table;

-- The number of the last profile snapshot that was begun. Numbers grow and are never used twice.
create table snapshot_counter (
    id integer not null primary key check (id = 1),
    last integer not null
) strict;

insert into snapshot_counter (id, last) values (1, 0);

create table refreshes (
    -- The number of the profile snapshot it makes; the snapshot exists once the state is 'successful'.
    number integer not null primary key,
    -- Empty once the data source has been removed: its last snapshot is still read.
    source_id text references sources (id) on delete set null,
    state text not null check (state in ('refreshing', 'successful', 'failed')),
    fault text,
    -- JSON of domain::source::ImportReport.
    report text not null,
    -- JSON of the snapshot's attributes, and its profiles, once it is there.
    attributes text,
    profiles integer,
    -- While it runs: past this instant the process that made it is gone.
    lease_until integer not null,
    started_at integer not null,
    finished_at integer,
    check ((state = 'refreshing') = (finished_at is null)),
    check ((state = 'failed') = (fault is not null)),
    check (state <> 'successful' or (attributes is not null and profiles is not null))
) strict;

create unique index refreshes_one_active_per_source on refreshes (source_id) where state = 'refreshing';
create index refreshes_of_source on refreshes (source_id, number);
