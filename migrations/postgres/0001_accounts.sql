-- People, their sessions, and what guards the way in. Times are microseconds since 1970, UTC.

-- People who may sign in. email_key is the address in the form in which it is compared.
create table users (
    id text primary key not null,
    email text not null,
    email_key text not null,
    password_hash text,
    role text not null check (role in ('viewer', 'contributor', 'administrator')),
    is_enabled boolean not null,
    created_at bigint not null,
    last_sign_in bigint
);
create unique index users_email_key on users (email_key);

-- Links that can be used once: the set-up of the first administrator, and invitations. Only the hash of the token is kept.
create table one_time_links (
    token_hash bytea primary key not null,
    purpose text not null check (purpose in ('set_up', 'invitation')),
    user_id text references users (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    check ((purpose = 'invitation') = (user_id is not null))
);
create index one_time_links_user_id on one_time_links (user_id);

-- Sessions of browsers. Only the hash of the id is kept.
create table sessions (
    id_hash bytea primary key not null,
    user_id text references users (id) on delete cascade,
    data text not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index sessions_user_id on sessions (user_id);
create index sessions_expires_at on sessions (expires_at);

-- Failed sign-ins by hashed address, to slow down guessing.
create table sign_in_failures (
    email_hash bytea primary key not null,
    failures bigint not null,
    last_at bigint not null,
    blocked_until bigint not null
);
create index sign_in_failures_last_at on sign_in_failures (last_at);

-- One known value, sealed with the secret key: shows at start whether the key is the right one.
create table secrets_canary (
    id text primary key not null check (id = 'canary'),
    sealed bytea not null,
    created_at bigint not null
);
