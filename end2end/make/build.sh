#!/usr/bin/env bash
# Builds the one binary, browser files inside: target/bin/ferry.
#   PROFILE=production  as it is shipped: thin link-time optimisation over everything (the default)
#   PROFILE=release     nearly as fast at run time, faster to build: what the benchmarks use
#   PROFILE=demo        lightly optimised, for a first look on a bare machine
#   PROFILE=dev         what the tests build, quick to build again and slow to run; reads the browser files from disk
#   ALSO="omnisend-simulator ferry-bench"   builds these programs too, beside it
. "$(dirname "$0")/lib.sh"
"$ROOT/end2end/make/setup.sh" web
load_env
cd "$ROOT"

PROFILE=${PROFILE:-production}
"$ROOT/end2end/make/web.sh"

note "Compiling the server with the $PROFILE profile (cold about 20 minutes on 2 cores, a minute after a change)"
packages=(--package=server)
for package in ${ALSO:-}; do packages+=("--package=$package"); done
exec 8>"$CACHE/server.lock"
flock 8
cargo build --locked --profile="$PROFILE" "${packages[@]}" --bins
built=$CARGO_TARGET_DIR/${PROFILE/#dev/debug}
mkdir -p target/bin
for name in ferry ${ALSO:-}; do
    cmp -s "$built/$name" "target/bin/$name" || cp --remove-destination "$built/$name" "target/bin/$name"
done
note "target/bin/ferry is ready ($(du -h target/bin/ferry | cut -f 1))."
