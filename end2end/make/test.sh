#!/usr/bin/env bash
# Everything that must hold before a change lands, from a bare machine. The last line counts the tests.
#   ONLY="lint unit"   runs only the named groups: lint web unit simulation kills leptos browser
. "$(dirname "$0")/lib.sh"
. "$ROOT/end2end/make/postgres.sh"
cd "$ROOT"

LOGS=$ROOT/target/test-logs
PASSED=0 FAILED=0 SKIPPED=0
BROKEN=

wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }

# group NAME TITLE COMMAND...: a step that, when it fails, lets the others go on and fails the whole at the end.
group() {
    local title=$1 start=$SECONDS mark=; shift
    say "$title"
    (set -e; "$@") || { mark=" (failed)"; BROKEN+="${BROKEN:+, }$title"; }
    remember_step "$title" "$start" "$mark"
}

# With script, `set -e` does not reach into a function called on the left of ||; hence a new shell.
script() { bash -c "set -euo pipefail; . end2end/make/lib.sh; load_env; $*"; }

format_is_right() { script 'cargo fmt --all --check'; }

documents_links() { node end2end/make/links.mjs; }

clippy_server() { script 'cargo clippy --locked --all-targets -- -D warnings'; }

clippy_browser() {
    script 'cargo clippy --locked --package=frontend --lib --target-dir="$CARGO_TARGET_DIR/front" \
        --target=wasm32-unknown-unknown --no-default-features --profile=wasm-release -- -D warnings'
}

# rust_tests NAME COMMAND: runs tests, and remembers how many there were.
rust_tests() {
    local log=$LOGS/$1.log code=0
    script "$2" 2>&1 | tee "$log" || code=1
    read -r p f s < <(awk '/^test result: /{p += $4; f += $6; s += $8} END {print p + 0, f + 0, s + 0}' "$log")
    echo "$p $f $s" >"$LOGS/$1.count"
    return $code
}

# cargo-leptos builds the browser side, and the server that the browser tests then use: the proof that
# its metadata in Cargo.toml are right. Into a folder of its own, because it empties it first.
leptos_build() {
    script 'export LEPTOS_SITE_ROOT=target/leptos-site
        cargo leptos build --release --frontend-only
        for file in ferry.js ferry.wasm ferry.css; do
            [ -s "target/leptos-site/pkg/$file" ] || die "cargo-leptos did not make pkg/$file."
        done'
}

# The two programs are built in one call: asked for alone, the simulator would have dependencies with
# fewer features, and those would be compiled a second time.
programs_for_the_browser_tests() {
    rm -rf target/test-bin
    script 'exec 8>"$CACHE/server.lock"; flock 8
        cargo leptos build --server-only
        cargo build --locked --package=server --package=omnisend-simulator --bins
        mkdir -p target/test-bin
        cp "$CARGO_TARGET_DIR/debug/ferry" "$CARGO_TARGET_DIR/debug/omnisend-simulator" target/test-bin/'
}

browser_tests() {
    local code=0 chromium report=$ROOT/target/browser-tests.json
    rm -f "$report"
    chromium=$(command -v chromium || command -v google-chrome)
    (cd end2end && FERRY_CHROMIUM=$chromium FERRY_BIN=$ROOT/target/test-bin/ferry \
        SIMULATOR_BIN=$ROOT/target/test-bin/omnisend-simulator node_modules/.bin/playwright test) || code=1
    node -e 'const {stats: s} = require(process.argv[1]); console.log(s.expected + s.flaky, s.unexpected, s.skipped)' "$report" \
        >"$LOGS/browser.count"
    return $code
}

finish() {
    local file p f s
    stop_postgres
    for file in "$LOGS"/*.count; do
        [ -e "$file" ] || continue
        read -r p f s <"$file"
        PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) SKIPPED=$((SKIPPED + s))
    done
    print_times
    [ -z "$BROKEN" ] || { printf '\nFailed: %s\n' "$BROKEN"; [ "$FAILED" -gt 0 ] || FAILED=1; }
    printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
    [ -z "$BROKEN" ] && [ "$PASSED" -gt 0 ] || [ -n "${ONLY:-}" ] && [ -z "$BROKEN" ] || exit 1
}

mkdir -p "$LOGS"
rm -f "$LOGS"/*.count
trap stop_postgres EXIT
step "Tools" end2end/make/setup.sh all
load_env

if wanted lint; then
    group "Formatting" format_is_right
    group "Links of the documents" documents_links
fi
if wanted web || wanted browser; then
    group "Browser side" end2end/make/web.sh
    group "Size of the first page" end2end/make/size.sh
fi
if wanted lint; then
    group "Lints of the browser side" clippy_browser
    group "Lints of the server" clippy_server
fi
if wanted unit; then
    start_postgres
    # Most of them wait for something more than they compute.
    group "Unit and integration tests" rust_tests rust 'RUST_TEST_THREADS=6 cargo test --locked --no-fail-fast'
    stop_postgres
fi
if wanted simulation; then
    group "5,000 simulated deliveries" rust_tests simulation 'end2end/make/faults.sh simulation SEEDS=5000 SEED=1'
fi
if wanted kills; then
    group "200 kills of the program" rust_tests kills 'end2end/make/faults.sh kills KILLS=200 SEED=1'
fi
wanted leptos && group "cargo-leptos" leptos_build
if wanted browser; then
    group "Programs for the browser tests" programs_for_the_browser_tests
    group "Browser tests" browser_tests
fi
finish
