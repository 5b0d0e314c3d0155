#!/usr/bin/env bash
# Builds and runs Ferry, and again at every change: cargo leptos watch. Its data lies in ./data.
. "$(dirname "$0")/lib.sh"
"$ROOT/end2end/make/setup.sh" all
load_env
cd "$ROOT"

export FERRY_DATA_DIR=${FERRY_DATA_DIR:-$ROOT/data}
mkdir -p "$FERRY_DATA_DIR" "$SITE"
if [ -z "${FERRY_SECRET_KEY:-}${FERRY_SECRET_KEY_FILE:-}" ]; then
    export FERRY_SECRET_KEY_FILE=$FERRY_DATA_DIR/secret.key
    [ -s "$FERRY_SECRET_KEY_FILE" ] || (umask 077 && head -c 32 /dev/urandom | base64 >"$FERRY_SECRET_KEY_FILE")
fi
exec cargo leptos watch "$@" -- serve
