#!/usr/bin/env bash
# Whether every source has the form of .clang-format (clang-format 14). tools/format.sh [--fix]
set -uo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.cc' '*.h' '*.c' | grep -v '^src/model/tables/')  # the tables are generated
if [ "${1:-}" = --fix ]; then
  clang-format-14 -i "${files[@]}"
elif ! clang-format-14 --dry-run --Werror "${files[@]}" 2>/dev/null; then
  echo "not formatted (tools/format.sh --fix mends it):"
  for file in "${files[@]}"; do clang-format-14 --dry-run --Werror "$file" 2>/dev/null || echo "  $file"; done
  exit 1
fi
echo "${#files[@]} files have the form"
