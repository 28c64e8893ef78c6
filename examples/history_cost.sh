#!/usr/bin/env bash
# Makes the table in docs/history.md: what questions cost against the size of the history, before and after
# compaction. It takes some minutes and half a gigabyte of disk.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet --example synthetic_history --example history_cost
programs=target/release/examples
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

echo "| observations | files | disk | estimates | memory | one test | runs |"
echo "|--:|--:|--:|--:|--:|--:|--:|"

# Returns wall and processor seconds of the best of three, and the memory with `memory`.
ask() {
    for _ in 1 2 3; do "$programs/history_cost" "$folder" "$1"; done | sort -t$'\t' -k3,3g | head -1
}

line() {
    local files disk
    files="$(find "$folder" -name '*.parquet' | wc -l)"
    disk="$(du -sm --apparent-size "$folder/.shardplan/history/tests" | cut -f1)"
    local row="| $1 | $files | $disk MB"
    row+=" | $(ask estimates | awk -F'\t' '{ printf "%s (%s) | %s", $2, $3, $4 }')"
    row+=" | $(ask show | awk -F'\t' '{ printf "%s (%s)", $2, $3 }')"
    row+=" | $(ask runs | awk -F'\t' '{ printf "%s (%s)", $2, $3 }') |"
    echo "$row"
}

for observations in "${@:-10000 100000 1000000 10000000}"; do
    for observations in $observations; do
        rm -rf "$folder/.shardplan"
        "$programs/synthetic_history" "$folder" --observations "$observations" >/dev/null
        line "$observations"
        "$programs/history_cost" "$folder" compact >/dev/null
        line "$observations, compacted"
    done
done
