#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing on Debian 12: dependencies.sh [build|test|all]. Asks apt only when something is missing.
# Prometheus and Alertmanager are unpacked below build/tools instead of installed: their packages would start services.
set -eu
cd "$(dirname "$0")/.."

build_packages="build-essential cmake ninja-build pkg-config git ca-certificates curl tzdata
  libmicrohttpd-dev libcurl4-openssl-dev libwslay-dev libyaml-dev libcjson-dev libsqlite3-dev libssl-dev zlib1g-dev
  python3 python3-venv python3-pip"
test_packages="libcmocka-dev chromium clang-14 libclang-rt-14-dev clang-format clang-tidy graphviz jq systemd wrk zsh fish man-db"

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    echo "dependencies: not root and no sudo: please install as root:$missing" >&2
    exit 1
  fi
}

refresh() {
  [ -n "${refreshed:-}" ] || as_root apt-get update -q
  refreshed=yes
}

install_packages() {
  missing=
  for package in "$@"; do
    installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "dependencies: installing$missing"
  refresh
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

# unpack PACKAGE PROGRAM...: unless they are there.
unpack() {
  package=$1
  shift
  absent=
  for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || [ -x "build/tools/usr/bin/$program" ] || absent=yes
  done
  [ -n "$absent" ] || return 0
  missing=" $package"
  refresh
  mkdir -p build/tools
  (cd build/tools && apt-get download -q "$package" && dpkg-deb -x "$package"_*.deb . && rm -f "$package"_*.deb)
}

# Alertmanager does not start without the templates that it looks for at a fixed place.
unpack_monitoring() {
  unpack prometheus prometheus promtool
  unpack prometheus-alertmanager prometheus-alertmanager amtool
  missing=" prometheus-alertmanager"
  for template in build/tools/usr/share/prometheus/alertmanager/*.tmpl; do
    installed=${template#build/tools}
    [ -f "$installed" ] || [ ! -f "$template" ] || as_root install -D -m 644 "$template" "$installed"
  done
}

command -v dpkg-query >/dev/null 2>&1 || {
  echo "dependencies: this is not Debian: please install the equivalents of: $build_packages $test_packages" >&2
  exit 1
}
# shellcheck disable=SC2086 # lists of words
case "${1:-build}" in
  build) install_packages $build_packages ;;
  test) install_packages $test_packages && unpack_monitoring ;;
  all) install_packages $build_packages $test_packages && unpack_monitoring ;;
  *)
    echo "usage: dependencies.sh [build|test|all]" >&2
    exit 2
    ;;
esac
