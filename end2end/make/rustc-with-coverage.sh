#!/usr/bin/env bash
# Cargo calls the compiler through this for our own crates when they are built for the fuzzer: their code then counts
# where it has been, and what it compares.
rustc=$1; shift
case " $* " in *" build_script_build "* | *" proc-macro "*) exec "$rustc" "$@" ;; esac
exec "$rustc" "$@" -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
