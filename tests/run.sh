#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything: tests/run.sh. Some: tests/run.sh unit style. Installs what is missing, builds, runs, sums up.
# Several tiers run in two lanes, as those that wait for Prefect leave the processors to the others; logs in build/test-logs.
set -u
cd "$(dirname "$0")/.."
root=$(pwd)
all="unit simulation contract e2e rules fuzz style lint"
tiers=${*:-$all}
logs=$root/build/test-logs
python=$root/build/test-venv/bin/python
PATH=$PATH:$root/build/tools/usr/bin
export PATH

fail() {
  echo "run: $*" >&2
  exit 1
}

wanted() {
  for tier in $tiers; do
    for name in "$@"; do
      [ "$tier" != "$name" ] || return 0
    done
  done
  return 1
}

for tier in $tiers; do
  case " $all " in *" $tier "*) ;; *) echo "run: unknown tier '$tier'; there are: $all" >&2; exit 2 ;; esac
done

# Preparation

configure() {
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >"$logs/configure-$1.log" 2>&1 || { cat "$logs/configure-$1.log"; fail "cmake --preset $1"; }
}

configure_and_build() {
  configure "$1"
  cmake --build --preset "$1" >"$logs/build-$1.log" 2>&1 || { tail -n 40 "$logs/build-$1.log"; fail "building $1"; }
  echo "built $1"
}

environments() {
  sh deploy/venv.sh build/test-venv tests/requirements.txt
  if wanted contract e2e; then
    sh deploy/venv.sh build/prefect-3.8.8 deploy/prefect/requirements-3.8.8.txt
    sh deploy/venv.sh build/prefect-2.20.25 deploy/prefect/requirements-2.20.25.txt
  fi
  if wanted e2e; then sh deploy/venv.sh build/openapi-venv tests/requirements-openapi.txt; fi
}

prepare() {
  sh deploy/dependencies.sh all || fail "cannot install what is missing"
  mkdir -p "$logs"
  rm -f "$logs"/*.result
  environments >"$logs/environments.log" 2>&1 &
  environments_pid=$!
  if wanted unit simulation contract e2e rules; then configure_and_build dev; fi
  if wanted lint; then configure dev; fi
  if wanted simulation e2e; then configure_and_build release; fi
  if wanted fuzz; then configure_and_build fuzz; fi
  wait "$environments_pid" || { cat "$logs/environments.log"; fail "Python environments"; }
}

# Real Prefect servers: one of each version for the whole run. A guard ends them when this shell is gone.

services_start() {
  SENDPOST_TEST_SERVICES=$(mktemp -d) SENDPOST_TEST_OWNER=$$
  export SENDPOST_TEST_SERVICES SENDPOST_TEST_OWNER
  PYTHONPATH=tests "$python" -m harness.prefect_server start 3.8.8 2.20.25 || fail "Prefect does not start"
}

services_stop() {
  [ -n "${SENDPOST_TEST_SERVICES:-}" ] || return 0
  PYTHONPATH=tests "$python" -m harness.prefect_server stop
  rm -rf "$SENDPOST_TEST_SERVICES"
  SENDPOST_TEST_SERVICES=
}

# Tiers. Each prints what it does, and its status is its verdict.

# Under a guard, so that nothing goes on when this shell is gone.
pytest() {
  (cd tests && exec "$python" -m harness.guard $$ "$python" -m pytest -q -n "${SENDPOST_TEST_PROCESSES:-3}" --dist worksteal "$@")
}

tier_unit() { ctest --test-dir build/dev -L unit -j 2 --no-tests=error --output-on-failure; }

# Many seeds at full speed, some under the sanitizers.
tier_simulation() {
  ctest --test-dir build/release -L simulation -j 2 --no-tests=error --output-on-failure || return 1
  build/dev/tests/simulation/simulation --from 1 --seeds 500
}

tier_contract() { pytest contract; }
tier_e2e() { pytest e2e; }
tier_rules() { pytest rules; }
tier_fuzz() { sh tests/fuzz/run.sh; }
tier_style() { SENDPOST_TEST_PROCESSES=0 pytest style; }
tier_lint() { SENDPOST_TEST_PROCESSES=2 pytest lint; }

# One tier, its output in a log (and on the terminal when it is the only one). Leaves "status passed failed seconds" in NAME.result.
run_tier() {
  log=$logs/$1.log
  began=$(date +%s)
  if [ "$tiers" = "$1" ]; then
    { "tier_$1" 2>&1; echo $? >"$logs/$1.status"; } | tee "$log"
  else
    "tier_$1" >"$log" 2>&1
    echo $? >"$logs/$1.status"
  fi
  status=$(cat "$logs/$1.status")
  rm -f "$logs/$1.status"
  passed=$(count passed "$log")
  failed=$(count failed "$log")
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  echo "$status $passed $failed $(($(date +%s) - began))" >"$logs/$1.result"
  [ "$tiers" != "$1" ] || return 0
  if [ "$status" -ne 0 ]; then
    echo "--- $1 failed:"
    tail -n 200 "$log"
  fi
  tier_line "$1"
}

tier_line() {
  read -r status passed failed seconds <"$logs/$1.result"
  verdict=ok
  [ "$status" -eq 0 ] || verdict=FAILED
  printf '%-10s %-6s %5d passed %3d failed %5d s\n' "$1" "$verdict" "$passed" "$failed" "$seconds"
}

# From the sums of pytest ("3 passed, 1 failed", "2 errors"), CTest ("0 tests failed out of 41") and the fuzzers (theirs are lines too).
count() {
  awk -v what="$1" '
    / tests? failed out of / { total = $NF; for (i = 1; i <= NF; i++) if ($i ~ /^tests?$/) bad = $(i - 1); passed += total - bad; failed += bad; next }
    / in [0-9.]+s/ || /^fuzz: [0-9]+ passed/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed,?$/) passed += $(i - 1)
        if ($i ~ /^(failed|errors?|skipped),?$/) failed += $(i - 1)
      }
    }
    END { print (what == "passed" ? passed : failed) + 0 }' "$2"
}

lane() {
  for name in "$@"; do
    if wanted "$name"; then run_tier "$name"; fi
  done
}

summary() {
  echo
  total_passed=0 total_failed=0 worst=0
  for name in $all; do
    [ -f "$logs/$name.result" ] || continue
    tier_line "$name"
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
    [ "$status" -eq 0 ] || worst=1
  done
  echo "$total_passed passed, $total_failed failed"
  if [ "$total_failed" -ne 0 ]; then worst=1; fi
  return "$worst"
}

interrupted() {
  trap - EXIT INT TERM
  services_stop
  exit 130
}

prepare
trap services_stop EXIT
trap interrupted INT TERM
if wanted contract e2e; then
  services_start
  lane contract e2e &
  waiting=$!
  lane unit simulation rules fuzz style lint
  wait "$waiting"
else
  lane unit simulation rules fuzz style lint
fi
services_stop
summary
