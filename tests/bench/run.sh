#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The figures of docs/performance.md: builds the release and what it is measured with, measures, prints one table.
# run.sh [SCENARIO...]: only those (see scenarios.py). About five minutes; nothing else should run meanwhile.
set -eu
cd "$(dirname "$0")/../.."
sh deploy/dependencies.sh build
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --target sendpost bench
exec python3 tests/bench/bench.py "$@"
