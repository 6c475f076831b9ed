#!/usr/bin/env bash
# Installs Debian packages: tools/packages.sh build [test ...]. Silent and quick where all are there.
set -euo pipefail
declare -A sets=(
  [build]="clang-19 lld-19 ccache cmake ninja-build libboost1.81-dev libssl-dev libsqlite3-dev libseccomp-dev rapidjson-dev
    libpugixml-dev libre2-dev zlib1g-dev libjpeg62-turbo-dev libexpected-dev libcli11-dev libtomlplusplus-dev
    libstdc++-12-dev e2fsprogs iproute2 ca-certificates tzdata"
  [demo]="lomiri-wallpapers plasma-workspace-wallpapers mate-backgrounds"
  [clients]="awscli"
  [browser]="chromium"
  [qemu]="qemu-system-x86 kmod lz4"
  [test]="libgtest-dev libclang-rt-19-dev libhttp-parser-dev clang-format-14 python3 python3-pytest python3-boto3 python3-venv gcc g++ curl"
)
missing=()
for set in "$@"; do
  for package in ${sets[$set]}; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "gust: not root and no sudo; install: ${missing[*]}" >&2; exit 1; }
  sudo=sudo
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
