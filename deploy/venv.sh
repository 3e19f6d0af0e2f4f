#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# venv.sh DIRECTORY REQUIREMENTS: a Python environment with exactly these packages, made again when the file has changed.
set -eu
directory=$1 requirements=$2

# The pinned sets were made for Python 3.11: Debian 12's, or any other python3 of that version that comes first.
suitable() {
  "$1" -c 'import sys, ensurepip, venv, ssl, sqlite3; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null
}
for python in python3 /usr/bin/python3 python3.11; do
  if suitable "$python"; then break; fi
  python=
done
[ -n "$python" ] || { echo "venv: no Python 3.11 with venv found" >&2; exit 1; }

mkdir -p "$(dirname "$directory")"
exec 9>"$directory.lock"
flock 9
sum=$(cksum <"$requirements")
if [ "$(cat "$directory/requirements.sum" 2>/dev/null)" = "$sum" ] && "$directory/bin/python" -c '' 2>/dev/null; then
  exit 0
fi
echo "venv: making $directory (a minute or two)"
rm -rf "$directory"
"$python" -m venv "$directory"
"$directory/bin/python" -m pip install -q --disable-pip-version-check --no-input -r "$requirements" 9>&-
echo "$sum" >"$directory/requirements.sum"
