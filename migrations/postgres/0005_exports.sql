-- Exports: saved definitions of who goes where. Times are microseconds since 1970, UTC.

create table exports (
    id text not null primary key,
    name text not null,
    -- The name without regard to case: what has to be unique.
    name_key text not null unique,
    connection_id text references connections (id),
    -- JSON of domain::mapping::Mapping.
    mapping text not null,
    -- JSON of domain::schedule::Schedule.
    schedule text not null,
    -- Since when this schedule holds: earlier slots are none of its business.
    schedule_since bigint not null,
    -- Counts the saves; a run keeps the version it was made with.
    version bigint not null,
    created_at bigint not null
);

create index exports_of_connection on exports (connection_id);

create table export_segments (
    export_id text not null references exports (id) on delete cascade,
    segment_id text not null references segments (id) on delete cascade,
    -- The order in which people chose them, from 0.
    position bigint not null,
    primary key (export_id, segment_id)
);

create index export_segments_of_segment on export_segments (segment_id);
