#!/usr/bin/env bash
# Proves the peers against each other, aioquic <-> quinn in both directions, through every case. Needs no skein.
#   selftest.sh [--all] [--keep] [CASE...]     --all: each library against itself, too; --keep: keep the logs of passes
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$("$here/setup.sh" | tail -n 1)
exec "$cache/venv/bin/python" -B "$here/selftest.py" "$cache" "$@"
