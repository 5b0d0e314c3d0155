#!/usr/bin/env bash
# The benchmarks: a million made-up profiles through the release programs, beside what this machine does at best.
# The results go to docs/benchmarks.md; the made-up data is kept in the cache for the next time.
#   PROFILES=1000000   how many
#   GROWTH=10          how many times as many are imported and sent once more, to see whether memory grows (about 20 minutes)
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

step "Build" env PROFILE=release ALSO="omnisend-simulator ferry-bench" end2end/make/build.sh
load_env
mkdir -p "$CACHE/bench"
step "Measure (about 10 minutes)" target/bin/ferry-bench target/bin/ferry target/bin/omnisend-simulator \
    "$CACHE/bench" docs/benchmarks.md "${PROFILES:-1000000}" "${GROWTH:-1}"
print_times
