#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manual.sh BINARY: prints sendpost(1), made of what the binary says of itself.
set -eu
sendpost=$1

literal() {
  printf '.SH %s\n.nf\n' "$1"
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
  printf '.fi\n'
}

cat <<TEXT
.\\" SPDX-License-Identifier: Apache-2.0
.TH SENDPOST 1 "" "$("$sendpost" version | cut -d ' ' -f 1,2)"
.SH NAME
sendpost \\- runs and watches chains of Prefect deployments
.SH SYNOPSIS
.B sendpost
.I COMMAND
[\fIOPTION\fR]... [\fIARGUMENT\fR]...
.SH DESCRIPTION
An agent reads sendposts, chains of Prefect deployments, from files, runs and watches them, and tells Prometheus. All other
commands check such files, or ask and operate a running agent.
TEXT
"$sendpost" help | literal COMMANDS
for command in $("$sendpost" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
  "$sendpost" help "$command" | literal "sendpost $command"
done
literal 'EXIT STATUS' <<'TEXT'
0  done (with --follow: the run completed)
1  it failed (check: errors were found; --follow: the run failed)
2  wrong usage
3  the agent or Prefect cannot be reached
4  refused: not found, conflict, invalid, not allowed
130, 143  Ctrl-C or SIGTERM while a run was followed: it goes on
TEXT
literal ENVIRONMENT <<'TEXT'
SENDPOST_SERVER      address of the agent, for the commands that ask it (http://127.0.0.1:9847)
SENDPOST_CA_FILE     certificates to trust instead of the system's, for https
SENDPOST_TOKEN       token for it
SENDPOST_CONFIG      the configuration
SENDPOST__A__B       overrides the key a.b of the configuration
PREFECT_API_URL, PREFECT_API_KEY, PREFECT_API_AUTH_STRING, PREFECT_CLIENT_CUSTOM_HEADERS
                     as for Prefect's own client
NO_COLOR             no colours on a terminal
TERM, LC_ALL         what the terminal can show
TEXT
literal FILES <<'TEXT'
/etc/sendpost/agent.yaml        the configuration, if --config, SENDPOST_CONFIG and config/agent.yaml do not say otherwise
$STATE_DIRECTORY/journal.db     the journal; else in sendpost/ below $XDG_STATE_HOME or ~/.local/state
TEXT
