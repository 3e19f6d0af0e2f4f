#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/run.sh [BUILD_DIRECTORY [SECONDS]]: every target for so many seconds, from a copy of its committed corpus.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build/fuzz} seconds=${2:-10} passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in tests/fuzz/fuzz_*.c; do
  target=$(basename "$source" .c)
  mkdir -p "$work/$target"
  cp "tests/fuzz/corpus/$target"/* "$work/$target/" 2>/dev/null
  if "$build/tests/fuzz/$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
    -artifact_prefix="$work/$target-" "$work/$target" >"$work/$target.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok $target"
  else
    failed=$((failed + 1))
    echo "FAILED $target"
    tail -n 60 "$work/$target.log"
    for artifact in "$work/$target"-*; do
      [ -f "$artifact" ] && { echo "input:"; base64 "$artifact"; }
    done
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
