#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From nothing to a sendpost that has run on a real Prefect: see usage below. All state is in build/quickstart.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
state=$root/build/quickstart
sendpost=$root/build/release/sendpost
port=9847 prefect_port=4200 once=
agent= flows= server= following=

usage() {
  cat <<'TEXT'
usage: sh deploy/quickstart.sh [--once] [--port N] [--prefect-port N]

Installs what is missing, builds sendpost, starts a Prefect server with example flows, starts the agent, runs the example
sendpost daily-mailing and follows it. Then stays until Ctrl-C. With PREFECT_API_URL set it uses that Prefect instead, and serves
the example flows on it if it does not have them.

  --once            stop everything after that run; the exit status is the run's
  --port N          of the agent (9847)
  --prefect-port N  of the Prefect server (4200)
TEXT
}

say() { echo "quickstart: $*"; }

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

number() {
  case $2 in '' | *[!0-9]*) echo "quickstart: $1 needs a port number" >&2; exit 2 ;; esac
}

while [ $# -gt 0 ]; do
  case $1 in
    --once) once=yes ;;
    --port | --prefect-port)
      number "$1" "${2:-}"
      if [ "$1" = --port ]; then port=$2; else prefect_port=$2; fi
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

# A process of ours: in a session of its own, so that Ctrl-C comes to us alone, and ended by the kernel should we be killed.
start() {
  name=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" >"$state/$name.log" 2>&1 9>&- </dev/null &
}

running() { kill -0 "$1" 2>/dev/null; }

stop() {
  [ -n "$1" ] || return 0
  kill -TERM "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || true
  tries=0
  while running "$1" && [ "$tries" -lt 150 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

stop_all() {
  trap - EXIT INT TERM HUP
  if [ -n "$agent$flows$server" ]; then say "stopping"; fi
  stop "$following"
  stop "$agent"
  stop "$flows"
  stop "$server"
}

port_free() {
  python3 -c 'import socket, sys
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}

# The Authorization header that Prefect's own client would send; on standard input, as arguments are public.
get() {
  if [ -n "${PREFECT_API_AUTH_STRING:-}" ]; then
    printf 'Authorization: Basic %s' "$(printf '%s' "$PREFECT_API_AUTH_STRING" | base64 -w 0)"
  elif [ -n "${PREFECT_API_KEY:-}" ]; then
    printf 'Authorization: Bearer %s' "$PREFECT_API_KEY"
  fi | curl -fsS --max-time 10 -H @- "$1" 2>/dev/null
}

# wait_for WHAT NAME PID URL: until the address answers 200, or the process is gone.
wait_for() {
  tries=0
  until get "$4" >/dev/null; do
    if ! running "$3" || [ "$tries" -ge 600 ]; then
      tail -n 30 "$state/$2.log" >&2
      fail "$1 did not start; the whole log is $state/$2.log"
    fi
    sleep 0.2
    tries=$((tries + 1))
  done
}

build() {
  say "building"
  { [ -f build/release/build.ninja ] || cmake --preset release; } >"$state/build.log" 2>&1 &&
    cmake --build --preset release --target sendpost >>"$state/build.log" 2>&1 || {
    tail -n 40 "$state/build.log" >&2
    fail "the build failed; the whole log is $state/build.log"
  }
}

prefect_environment() {
  sh deploy/venv.sh "build/prefect-$1" "deploy/prefect/requirements-$1.txt" || fail "cannot make the Python environment of Prefect $1"
}

# Our own server: no telemetry, and nothing of the caller's Prefect settings.
start_prefect() {
  for variable in $(env | sed -n 's/^\(PREFECT_[A-Z_]*\)=.*/\1/p'); do unset "$variable"; done
  export PREFECT_API_URL="http://127.0.0.1:$prefect_port/api"
  export PREFECT_HOME="$state/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
  say "starting Prefect $version on port $prefect_port"
  start prefect "$root/build/prefect-$version/bin/prefect" server start --host 127.0.0.1 --port "$prefect_port"
  server=$!
  wait_for Prefect prefect "$server" "$PREFECT_API_URL/health"
}

start_flows() {
  say "serving the example flows on $PREFECT_API_URL"
  # Not the common temporary directory: there Prefect's runner_storage may be another user's.
  mkdir -p "$state/tmp"
  export PREFECT_RUNNER_POLL_FREQUENCY=1 TMPDIR="$state/tmp"
  start flows "$root/build/prefect-$version/bin/python" deploy/flows/mailings.py
  flows=$!
  wait_for "the flow server" flows "$flows" "$PREFECT_API_URL/$last_deployment"
}

start_agent() {
  say "starting the agent on port $port"
  start agent "$sendpost" agent --config config/agent.yaml --set "http.listen=127.0.0.1:$port" --set "journal.path=$state/journal.db" \
    --set prefect.cancel_grace=15s
  agent=$!
  wait_for "the agent" agent "$agent" "$SENDPOST_SERVER/-/ready"
}

# watched COMMAND...: leaves its status. Not for ever, should what it needs be gone.
watched() {
  "$@" 9>&- &
  following=$!
  while running "$following"; do
    [ -z "$flows" ] || running "$flows" || ended "the flow server" flows
    running "$agent" || ended "the agent" agent
    sleep 0.2
  done
  status=0
  wait "$following" || status=$?
  following=
}

# ended WHAT NAME
ended() {
  tail -n 30 "$state/$2.log" >&2
  fail "$1 has ended; the whole log is $state/$2.log"
}

what_next() {
  server_option=
  [ "$port" = 9847 ] || server_option=" --server $SENDPOST_SERVER"
  cat <<TEXT

  agent     $SENDPOST_SERVER    (in a browser: its page; metrics: $SENDPOST_SERVER/metrics)
  Prefect   ${PREFECT_API_URL%/api}
  logs      build/quickstart/*.log

Try next, in another terminal:
  build/release/sendpost run broken-mailing --follow$server_option      # fails: see which task, and why
  build/release/sendpost show broken-mailing$server_option
  build/release/sendpost run watch-extract --follow$server_option       # waits for a flow run that somebody else started
  curl -X POST $SENDPOST_SERVER/v1/sendposts/daily-mailing/run -d '{"parameters": {"audience": "test"}}'
The sendposts are in config/sendposts: change one, and the agent takes it within ten seconds.

TEXT
}

sh deploy/dependencies.sh build
mkdir -p "$state"
exec 9>"$state/lock"
flock -n 9 || fail "another quickstart of this checkout is running"
port_free "$port" || fail "port $port is in use: choose another with --port"
if [ -z "${PREFECT_API_URL:-}" ] && ! port_free "$prefect_port"; then
  fail "port $prefect_port is in use: choose another with --prefect-port, or set PREFECT_API_URL to the Prefect that you have"
fi

trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export SENDPOST_SERVER="http://127.0.0.1:$port"
version=3.8.8
if [ -n "${PREFECT_API_URL:-}" ]; then
  say "using the Prefect at $PREFECT_API_URL"
  get "$PREFECT_API_URL/health" >/dev/null || fail "there is no Prefect at $PREFECT_API_URL: unset PREFECT_API_URL to have one started"
  case $(get "$PREFECT_API_URL/admin/version") in '"2.'*) version=2.20.25 ;; esac
fi
last_deployment=deployments/name/shop/import-prices # that mailings.py registers
prefect_environment "$version" >"$state/environment.log" 2>&1 9>&- &
environment=$!
build
wait "$environment" || { cat "$state/environment.log" >&2; exit 1; }
if [ -z "${PREFECT_API_URL:-}" ]; then
  start_prefect
  start_flows
elif ! get "$PREFECT_API_URL/$last_deployment" >/dev/null; then
  start_flows
fi
start_agent

if "$sendpost" cancel daily-mailing >"$state/cancel.log" 2>&1; then
  say "cancelling the run that was cut off the last time"
  watched "$sendpost" follow daily-mailing
fi
watched "$sendpost" run daily-mailing --reason quickstart --follow
if [ -n "$once" ]; then exit "$status"; fi
what_next
say "Ctrl-C stops everything"
wait "$agent" || true
ended "the agent" agent
