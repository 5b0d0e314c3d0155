#!/usr/bin/env bash
# Feeds what comes from outside to the code that reads it, led by which of our code each input reaches (libFuzzer).
#   fuzz.sh [MINUTES=1] [TARGET="table parquet answer"]     so many minutes for each target
# What was found to reach something new is kept in ~/.cache/ferry/fuzz; an input that broke something, in target/fuzz.
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
load_env

MINUTES=1 TARGET="table parquet answer"
for setting in "$@"; do
    case $setting in
        MINUTES=?* | TARGET=?*) declare "$setting" ;;
        MINUTES= | TARGET=) ;;
        *) die "fuzz.sh knows MINUTES and TARGET, not '$setting'." ;;
    esac
done

have c++ || apt_install "a C++ compiler, for libFuzzer" g++
# Our own crates alone say where they have been: what they stand on is built as for the tests.
export RUSTC_WORKSPACE_WRAPPER=$ROOT/end2end/make/rustc-with-coverage.sh
step "The fuzzer's programs" cargo build --locked --package=ferry-fuzz --bins
mkdir -p target/fuzz
export RUST_BACKTRACE=0

fuzz() {
    local corpus=$CACHE/fuzz/$1
    mkdir -p "$corpus"
    # R-44 allows 512 MiB. No input may take 25 seconds.
    FERRY_FUZZ_SEEDS=$corpus "$CARGO_TARGET_DIR/debug/fuzz-$1" "$corpus" -max_total_time=$((MINUTES * 60)) -timeout=25 \
        -rss_limit_mb=512 -max_len=8192 -print_final_stats=1 -verbosity=0 -artifact_prefix="target/fuzz/$1-"
}

for target in $TARGET; do
    step "$target, $MINUTES minutes" fuzz "$target"
done
print_times
