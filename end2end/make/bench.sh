#!/usr/bin/env bash
# The benchmarks: a million made-up profiles through the release programs, beside what this machine does at best.
# The results go to docs/benchmarks.md; the made-up data is kept in the cache for the next time.
#   PROFILES=1000000   how many
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

step "Build" env PROFILE=release ALSO="omnisend-simulator ferry-bench" end2end/make/build.sh
load_env
mkdir -p "$CACHE/bench"
step "Measure (about 10 minutes)" target/bin/ferry-bench target/bin/ferry target/bin/omnisend-simulator \
    "$CACHE/bench" docs/benchmarks.md ${PROFILES:+"$PROFILES"}
print_times
