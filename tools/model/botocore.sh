#!/usr/bin/env bash
# Prints a directory that holds the pinned botocore: bin/python3 (a virtual environment with it) and source/ (its source archive
# unpacked, with its test cases). Made once, below ${XDG_CACHE_HOME:-$HOME/.cache}/gust; the archive's digest is in PIN.
set -euo pipefail
pin=$(dirname "$(realpath "$0")")/PIN
version=$(sed -n 's/^botocore //p' "$pin") digest=$(sed -n 's/^archive //p' "$pin")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gust
made=$cache/botocore-$version
mkdir -p "$cache"
exec 9>"$made.lock"
flock 9
if [ ! -e "$made/ready" ]; then
  rm -rf "$made"
  /usr/bin/python3 -m venv "$made" >&2
  "$made/bin/pip" -q --disable-pip-version-check install "botocore==$version" >&2
  "$made/bin/pip" -q --disable-pip-version-check download --no-binary :all: --no-deps -d "$made" "botocore==$version" >&2
  if ! echo "$digest  $made/botocore-$version.tar.gz" | sha256sum --check --quiet >&2; then
    echo "botocore.sh: the archive of botocore $version is not the one of $pin" >&2
    exit 1
  fi
  mkdir "$made/source"
  tar xzf "$made/botocore-$version.tar.gz" -C "$made/source" --strip-components=1
  touch "$made/ready"
fi
echo "$made"
