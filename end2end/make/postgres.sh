# A throw-away PostgreSQL server for the tests: its own folder, a free port of the loopback address,
# gone when the tests are. To be sourced after lib.sh.

PG_DIR= PG_URL=

# Prints the folder of initdb and postgres: on PATH, or where Debian keeps them.
find_postgres() {
    local dir
    for dir in "$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")" \
        $(compgen -G '/usr/lib/postgresql/*/bin' | sort -rV) /usr/pgsql-*/bin; do
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then echo "$dir"; return 0; fi
    done
    return 1
}

# PostgreSQL refuses to run as root, so root hands it to an unprivileged user.
as_postgres() {
    if [ "$(id -u)" != 0 ]; then "$@"; return; fi
    local user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    runuser -u "$user" -- "$@"
}

# Starts the server and sets PG_URL. Durability is off: nothing in it outlives the tests.
start_postgres() {
    local bin port tries
    bin=$(find_postgres) || die "PostgreSQL is missing: run 'make setup'."
    PG_DIR=$(mktemp -d /tmp/ferry-postgres.XXXXXX)
    chmod 711 "$PG_DIR"
    mkdir "$PG_DIR/run"
    if [ "$(id -u)" = 0 ]; then chown "$(as_postgres id -un)" "$PG_DIR" "$PG_DIR/run"; fi
    (cd "$PG_DIR" && as_postgres "$bin/initdb" -D "$PG_DIR/data" -U ferry --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync) \
        >"$PG_DIR.log" 2>&1 || { cat "$PG_DIR.log" >&2; die "PostgreSQL's initdb failed: see its message above."; }
    for tries in 1 2 3 4 5; do
        port=$(free_port)
        if (cd "$PG_DIR" && as_postgres "$bin/pg_ctl" -D "$PG_DIR/data" -w -t 60 -l "$PG_DIR/run/server.log" \
            -o "-p $port -h 127.0.0.1 -k $PG_DIR/run -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=128MB" \
            start) >>"$PG_DIR.log" 2>&1; then
            PG_URL="postgres://ferry@127.0.0.1:$port/postgres"
            export FERRY_TEST_POSTGRES_URL=$PG_URL
            note "PostgreSQL $("$bin/postgres" --version | awk '{print $3}') listens on port $port"
            return 0
        fi
    done
    cat "$PG_DIR.log" "$PG_DIR/run/server.log" >&2 2>/dev/null
    die "PostgreSQL did not start: see its log above."
}

# Safe to call twice, and when nothing was started.
stop_postgres() {
    [ -n "$PG_DIR" ] || return 0
    (cd "$PG_DIR" && as_postgres "$(find_postgres)/pg_ctl" -D "$PG_DIR/data" -m immediate -t 20 stop) >/dev/null 2>&1 || true
    rm -rf "$PG_DIR" "$PG_DIR.log"
    PG_DIR=
}
