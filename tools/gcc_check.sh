#!/usr/bin/env bash
# Every header compiles alone and every source passes g++ 12 -fsyntax-only: the second compiler, and self-contained headers.
set -uo pipefail
cd "$(dirname "$0")/.."
flags="-std=gnu++20 -fsyntax-only -Isrc -Isdk/cpp/include -Iexamples -Wall -Wextra -Wno-missing-field-initializers"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find src sdk examples -name '*.h' -o -name '*.cc' | grep -v _fuzz.cc | sort >"$list"
xargs -a "$list" -P 2 -I{} sh -c 'case {} in *.h) x="-x c++ -include {} /dev/null";; *) x={};; esac
  out=$(g++ '"$flags"' $x 2>&1) || { echo "g++: {}"; echo "$out" | head -5; exit 255; }' || exit 1
echo "$(wc -l <"$list") files"
