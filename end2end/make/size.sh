#!/usr/bin/env bash
# Fails when what the first page loads, packed with brotli, is larger than the budget.
. "$(dirname "$0")/lib.sh"

BUDGET=300000
total=0
for file in "$SITE"/pkg/ferry.{wasm,js,css} "$ROOT/public/start.js"; do
    name=${file##*/}
    [ -s "$file" ] || die "$file is missing: run 'make web' first."
    size=$(brotli --quality=11 --stdout "$file" | wc -c)
    printf '    %-12s %9d bytes, %8d with brotli\n' "$name" "$(wc -c <"$file")" "$size"
    total=$((total + size))
done
printf '    %-12s %9s        %8d with brotli (budget %d)\n' "together" "" "$total" "$BUDGET"
[ "$total" -le "$BUDGET" ] || die "the first page's files are over the budget by $((total - BUDGET)) bytes."
