#!/usr/bin/env bash
# Whether every source has the form of .clang-format (clang-format 14). tools/format.sh [--fix]
set -uo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && mode=(-i)
# The tables are generated.
git ls-files '*.cc' '*.h' '*.c' | grep -v '^src/model/tables/' | xargs clang-format-14 "${mode[@]}" 2>&1 | grep -E 'error|warning' | cut -d: -f1 | sort -u |
  { list=$(cat); [ -z "$list" ] || { echo "not formatted (tools/format.sh --fix):"; echo "$list"; exit 1; }; }
