#!/usr/bin/env bash
# The main job on real data: a database as Meridian 1 left it, carried to version 3, back, and there again.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d "${TMPDIR:-/tmp}/migrate-spec-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
db=$work/meridian
task=task:gen-a

export PYTHONPATH=examples
bold='' dim='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'; fi

say() { printf '\n%s── %s%s\n' "$bold" "$1" "$plain"; }
run() { printf '%s$ %s%s\n' "$dim" "${*//$work/\$TMP}" "$plain"; "$@" 2>&1 | sed "s|$work|\$TMP|g"; }
record() { run python -m meridian.show_record "$db" "$task"; }

say "Build Meridian's database at version 1: a real RocksDB"
run python -m meridian.build_database "$db"

say "Where does it stand?"
run migrate-spec status "$db"

say "Are the specs right?"
run migrate-spec validate

say "Do the laws of the language hold for these very records?"
run migrate-spec test --from "$db"

say "What would be done?"
run migrate-spec plan --scan "$db"

say "One task before"
record

say "Carry it over"
run migrate-spec apply "$db"
run migrate-spec status "$db"

say "The same task after"
record

say "Back again"
run migrate-spec rollback "$db"
record

say "And once more"
run migrate-spec apply "$db"
run migrate-spec history "$db"

say "Down again for the older program, with all that was written since"
run migrate-spec downgrade "$db" --to 1
record
