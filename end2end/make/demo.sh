#!/usr/bin/env bash
# Ferry's main job from end to end, against a simulated Omnisend on this machine: builds, starts both, imports the
# sample profiles, sets up three segments, a connection and an export, runs it, shows the receipt, and stays up.
#   ONCE=1     ends after the receipt: 0 only if it adds up and the simulator holds exactly the expected contacts
#   PORT=8080  where Ferry listens; a free port when that one is taken
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

DEMO=$ROOT/.demo
PROFILES=end2end/sample/profiles.csv
EXPORT="Newsletter audiences"
EMAIL=demo@ferry.example
FERRY=$DEMO/bin/ferry SIMULATOR=$DEMO/bin/omnisend-simulator
CHILDREN=()

# Ctrl-C and every other end: the servers get SIGTERM and are waited for.
stop_servers() {
    local child
    for child in "${CHILDREN[@]}"; do kill "$child" 2>/dev/null || true; done
    for child in "${CHILDREN[@]}"; do wait "$child" 2>/dev/null || true; done
    CHILDREN=()
}
trap stop_servers EXIT
trap 'echo; exit 130' INT TERM

build() {
    PROFILE=${PROFILE:-demo} ALSO=omnisend-simulator end2end/make/build.sh
    mkdir -p "$DEMO/bin"
    cp --remove-destination target/bin/ferry target/bin/omnisend-simulator "$DEMO/bin/"
}

# Every demo starts from nothing, because the simulator remembers nothing either.
choose_settings() {
    rm -rf "$DEMO/data"
    (umask 077 && mkdir -p "$DEMO/data" && random_text 32 >"$DEMO/secret.key" && random_text 12 >"$DEMO/password")
    local port=${PORT:-8080}
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then port=$(free_port); fi
    SIMULATOR_URL=http://127.0.0.1:$(free_port)
    export FERRY_LISTEN=127.0.0.1:$port
    export FERRY_PUBLIC_URL=http://localhost:$port
    export FERRY_DATA_DIR=$DEMO/data
    export FERRY_SECRET_KEY_FILE=$DEMO/secret.key
    # What happens shows in .demo/ferry.log; the commands beside it only speak up when something is wrong.
    export FERRY_LOG=warn
    export FERRY_OMNISEND_URL=$SIMULATOR_URL/api
    # The simulator has no limits here, so nobody has to wait for a minute's tags.
    export FERRY_OMNISEND_UNLIMITED=true
    # The key of the simulator's practice account; ferry.toml takes it from here.
    export DEMO_API_KEY=5f0000000000000000000001-practice
}

random_text() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

start_servers() {
    "$SIMULATOR" --listen "${SIMULATOR_URL#http://}" --key "$DEMO_API_KEY" --no-limits >"$DEMO/simulator.log" 2>&1 &
    CHILDREN+=($!)
    wait_for_url "$SIMULATOR_URL/_sim/summary" 20 "The simulator (see .demo/simulator.log)"
    FERRY_LOG=info "$FERRY" serve >"$DEMO/ferry.log" 2>&1 &
    CHILDREN+=($!)
    wait_for_url "http://$FERRY_LISTEN/readyz" 30 "Ferry (see .demo/ferry.log)"
}

set_up() {
    "$FERRY" user add "$EMAIL" --role administrator --password-stdin <"$DEMO/password"
    "$FERRY" import "$PROFILES" --name Customers
    "$FERRY" apply end2end/demo/ferry.toml
}

run_export() {
    local code=0
    "$FERRY" run "$EXPORT" --json >"$DEMO/receipt.json" || code=$?
    # 3: completed with errors. The sample has addresses that no mail server takes; the receipt says how many.
    [ "$code" = 0 ] || [ "$code" = 3 ] || die "the run ended badly (exit code $code): see .demo/ferry.log."
}

check_receipt() { node end2end/demo/verify.mjs "$DEMO/receipt.json" "$PROFILES" "$SIMULATOR_URL"; }

step "Build" build
load_env
choose_settings
step "Start Ferry and the simulator" start_servers
step "Import the sample, set up segments, connection and export" set_up
step "Run the export" run_export
step "Compare the receipt with what the simulator holds" check_receipt
print_times
say "The receipt"
cat "$DEMO/receipt.json"
[ -z "${ONCE:-}" ] || exit 0
say "Ferry is at $FERRY_PUBLIC_URL/data/exports"
note "sign in as $EMAIL with the password $(cat "$DEMO/password")"
note "The simulated Omnisend is at $SIMULATOR_URL/_sim/contacts. Press Ctrl-C to stop both."
wait -n "${CHILDREN[@]}"
die "one of the servers has ended: see .demo/ferry.log and .demo/simulator.log."
