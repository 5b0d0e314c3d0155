-- Segments. Times are microseconds since 1970, UTC.

create table segments (
    id text not null primary key,
    name text not null,
    -- The name without regard to case: what has to be unique.
    name_key text not null unique,
    kind text not null check (kind in ('dynamic', 'static')),
    -- JSON of domain::rule::Rule.
    rule text not null,
    is_active integer not null,
    -- The tag at the destination; made once, kept when the name changes.
    tag text not null unique,
    -- The last count, the snapshot it was taken on, and when.
    members integer,
    counted_on integer,
    refreshed_at integer,
    -- Counts the changes of what decides who is in it, so that a count of an older rule is not kept.
    version integer not null,
    created_at integer not null
) strict;
