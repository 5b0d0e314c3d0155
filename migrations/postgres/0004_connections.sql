-- Connections, and those that are being set up ('draft'). Times are microseconds since 1970, UTC.

create table connections (
    id text not null primary key,
    state text not null check (state in ('draft', 'ready')),
    name text not null,
    -- The name without regard to case: what has to be unique among those that are ready.
    name_key text not null,
    kind text not null,
    audience text not null check (audience in ('administrators', 'administrators_and_contributors')),
    -- The key, sealed for this row.
    sealed_key bytea not null,
    -- The account that the key opened when it was last checked.
    brand_id text not null,
    brand_name text not null,
    brand_website text not null,
    -- Who agreed to the data leaving, when, and to which wording.
    consent_by text not null,
    consent_by_email text not null,
    consent_at bigint not null,
    consent_language text not null,
    consent_wording text not null,
    -- Whose rights the exports run with, and when they proved their password for it.
    export_user_id text,
    export_user_email text,
    export_user_at bigint,
    -- Why the destination refuses the key, since it does.
    needs_attention text,
    created_at bigint not null,
    check (state = 'draft'
        or (export_user_id is not null and export_user_email is not null and export_user_at is not null))
);

create unique index connections_name on connections (name_key) where state = 'ready';
