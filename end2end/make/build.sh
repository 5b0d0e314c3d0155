#!/usr/bin/env bash
# Builds the one binary, browser files inside: target/bin/ferry.
#   PROFILE=production  as it is shipped: thin link-time optimisation over everything (the default)
#   PROFILE=release     nearly as fast at run time, much faster to build: what the demo uses
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
mkdir -p target/bin
for name in ferry ${ALSO:-}; do
    cmp -s "$CARGO_TARGET_DIR/$PROFILE/$name" "target/bin/$name" || cp --remove-destination "$CARGO_TARGET_DIR/$PROFILE/$name" "target/bin/$name"
done
note "target/bin/ferry is ready ($(du -h target/bin/ferry | cut -f 1))."
