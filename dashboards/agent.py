# SPDX-License-Identifier: Apache-2.0
"""The agent itself: Prefect, journal, loop, HTTP, definitions, process."""
from dashboard import AGENTS, dashboard
from panels import (BLUE, CIRCUIT, NEVER, NONE_IS_GOOD, NO_TIME, ORANGE, SKY, VERMILION, YES_NO, coloured, label_column, lines, only_labels, query, row, stat, table,
                    timeline, value_column, value_mappings)

BY = "by (job, instance)"
RATE = "[$__rate_interval]"


def quantiles(histogram: str, by: str, legend: str) -> list[dict]:
    return [query(f"histogram_quantile({part}, sum by ({by}, le) (rate({histogram}_bucket{{@}}{RATE})))", f"{legend} {name}".strip())
            for part, name in ((0.5, "median"), (0.99, "99th percentile"))]


def agents() -> dict:
    flag = value_mappings(YES_NO)
    return table(
        "Agents", "One row for each.", [
            label_column("Instance", "instance"),
            value_column("Scraped", f"sum {BY} (up{{@}})", "none", mappings=flag, filled=True, width=90),
            value_column("Prefect answers", f"sum {BY} (sendpost_prefect_up{{@}})", "none", mappings=flag, filled=True, width=130),
            value_column("Journal writable", f"sum {BY} (sendpost_journal_writable{{@}})", "none", mappings=flag, filled=True, width=130),
            value_column("Definitions read", f"sum {BY} (sendpost_definitions_last_reload_successful{{@}})", "none", mappings=flag, filled=True, width=130),
            value_column("Started", f"sum {BY} (process_start_time_seconds{{@}}) * 1000", "dateTimeFromNow"),
            only_labels("sum by (job, instance, version, commit) (sendpost_build_info{@})"),
            label_column("Version", "version"), label_column("Commit", "commit"),
            only_labels("sum by (job, instance, namespace, external_url) (sendpost_agent_info{@})"),
            label_column("Namespace", "namespace"), label_column("Page", "external_url", url="${__value.raw}", as_link=True, width=80),
            only_labels("sum by (job, instance, applied) (sendpost_definitions_revision_info{@})"),
            label_column("Revision", "applied"),
            only_labels("sum by (job, instance, api_url) (sendpost_prefect_info{@})"),
            label_column("Prefect", "api_url"),
        ], height=6)


def prefect() -> list[dict]:
    circuit = """sum by (instance) (sendpost_prefect_circuit_state{@,sendpost_prefect_circuit_state="half_open"})
        + 2 * sum by (instance) (sendpost_prefect_circuit_state{@,sendpost_prefect_circuit_state="open"})"""
    return [
        lines("Requests", "Requests to Prefect that ended, by endpoint.",
              [query(f"sum by (endpoint) (rate(sendpost_prefect_requests_total{{@}}{RATE}))", "{{endpoint}}")], "reqps", width=8),
        lines("Failed requests", "Requests to Prefect that failed, by cause.",
              [query(f"sum by (cause) (rate(sendpost_prefect_request_failures_total{{@}}{RATE})) > 0", "{{cause}}")], "reqps", width=8),
        lines("Request duration", "How long Prefect takes to answer.", quantiles("sendpost_prefect_request_duration_seconds", "endpoint", "{{endpoint}}"),
              "s", width=8),
        timeline("Circuit", "The circuit breaker before all requests: open, only single ones try whether Prefect works again.", circuit, "{{instance}}",
                 CIRCUIT, height=5),
        lines("Since the last success", "How long ago contact with Prefect last worked.",
              [query("time() - (sendpost_prefect_last_success_timestamp_seconds{@} > 0)", "{{instance}}")], "s", width=6),
        lines("Polling", "Seconds from one look at the flow runs to the next: few while something happens, more when all is quiet.",
              [query("sendpost_prefect_poll_interval_seconds{@}", "{{instance}}")], "s", width=6),
        lines("Flow runs followed", "And requests to Prefect under way.", [
            query("sum(sendpost_flow_runs_watched{@})", "followed"),
            query("sum(sendpost_prefect_requests_in_flight{@})", "requests in flight")], "short", width=6, colors=coloured(followed=BLUE)),
        lines("Flow runs created", "An adopted one was there already when its key was sent again: after a crash or a lost answer.", [
            query("sum(increase(sendpost_flow_runs_created_total{@}[$__rate_interval]))", "created"),
            query("sum(increase(sendpost_flow_runs_adopted_total{@}[$__rate_interval]))", "adopted")], "short", width=6, bars=True, interval="5m",
            colors=coloured(created=BLUE, adopted=ORANGE)),
    ]


def journal() -> list[dict]:
    return [
        lines("Commits", "Transactions of the journal.", [query(f"sum by (instance) (rate(sendpost_journal_commits_total{{@}}{RATE}))", "{{instance}}")], "ops",
              width=6),
        lines("Commit duration", "Each is on disk before anything is promised.", quantiles("sendpost_journal_commit_duration_seconds", "instance", ""), "s",
              width=6),
        lines("Journal size", "Of its file.", [query("sendpost_journal_size_bytes{@}", "{{instance}}")], "bytes", width=6),
        lines("Loop lag", "How late the loop handled what was due.", quantiles("sendpost_loop_lag_seconds", "instance", ""), "s", width=6),
        stat("Last backup", "When the newest backup that was taken as a whole was made, of the agent whose is the oldest.",
             "min(sendpost_journal_last_backup_timestamp_seconds{@}) * 1000", unit="dateTimeFromNow", mappings=NEVER, width=12),
        stat("Journal moved aside", "When the newest damaged journal beside this one was moved aside.",
             "max(sendpost_journal_quarantined_timestamp_seconds{@}) * 1000", unit="dateTimeFromNow", mappings=NEVER, width=12),
    ]


def definitions() -> list[dict]:
    return [
        stat("In force", "Files whose definition is in force.", "sum(sendpost_definitions_loaded{@})"),
        stat("With errors", "Files with errors.", "sum(sendpost_definitions_broken{@})", steps=NONE_IS_GOOD),
        stat("Last good reading", "When the directory was last read without any error.",
             "min(sendpost_definitions_last_reload_success_timestamp_seconds{@}) * 1000", unit="dateTimeFromNow", mappings=NEVER),
        stat("Deployments not fine", "Stages whose deployment in Prefect is missing, paused, has no worker or other parameters.",
             "sum(1 - sendpost_stage_reference_ok{@})", steps=NONE_IS_GOOD),
        table("Files with errors", "sendpost check FILE says what is wrong, with line and column.", [
            label_column("File", "file"), label_column("Instance", "instance"),
            only_labels("sum by (job, instance, file) (sendpost_definition_error{@} == 1)"),
        ], width=8, height=4, no_value="None"),
    ]


def http() -> list[dict]:
    return [
        lines("HTTP requests", "Requests to the agent, by handler.",
              [query(f"sum by (handler) (rate(sendpost_http_requests_total{{@}}{RATE})) > 0", "{{handler}}")], "reqps", width=8),
        lines("HTTP errors", "Answers of 400 and above.",
              [query(f'sum by (handler, code) (rate(sendpost_http_requests_total{{@,code=~"[45].."}}{RATE})) > 0', "{{code}} {{handler}}")], "reqps", width=8),
        lines("HTTP duration", "From the headers of a request to the end of its answer.",
              quantiles("sendpost_http_request_duration_seconds", "handler", "{{handler}}"), "s", width=8),
        lines("Event streams", "Those that are open.", [query("sendpost_event_streams{@}", "{{instance}}")], "short"),
        lines("Connections that failed", "Event streams that were cut off as nobody read them, and TLS connections that ended before their handshake.", [
            query("sum(increase(sendpost_event_streams_dropped_total{@}[$__rate_interval]))", "streams"),
            query("sum(increase(sendpost_http_tls_handshake_failures_total{@}[$__rate_interval]))", "handshakes")], "short", bars=True, interval="5m",
            colors=coloured(streams=ORANGE, handshakes=VERMILION)),
        stat("Certificate ends", "The first of those that listeners show; none without TLS.",
             "(min(sendpost_http_certificate_expiry_timestamp_seconds{@} > 0) or min(sendpost_http_certificate_expiry_timestamp_seconds{@})) * 1000",
             unit="dateTimeFromNow", mappings=NO_TIME, width=12),
        stat("Tokens", "Those of http.tokens_file that are in force.", "sum(sendpost_tokens_loaded{@})", width=12),
    ]


def process() -> list[dict]:
    return [
        lines("Processor", "Of one processor.", [query(f"rate(process_cpu_seconds_total{{@}}{RATE})", "{{instance}}")], "percentunit", width=6),
        lines("Memory", "Resident and virtual.", [
            query("process_resident_memory_bytes{@}", "{{instance}} resident"),
            query("process_virtual_memory_bytes{@}", "{{instance}} virtual")], "bytes", width=6),
        lines("File descriptors", "Open, and how many may be.", [
            query("process_open_fds{@}", "{{instance}}"), query("process_max_fds{@}", "{{instance}} allowed")], "short", width=6, dashed=".* allowed"),
        lines("Threads and HTTP requests under way", "The agent works in one thread; more are of its libraries.", [
            query("process_threads{@}", "{{instance}} threads"),
            query("sendpost_http_requests_in_flight{@}", "{{instance}} requests")], "short", width=6),
        lines("Starts", "Each start of the process in an hour; more than one or two is a crash loop.",
              [query("sum by (instance) (changes(process_start_time_seconds{@}[$__rate_interval]))", "{{instance}}")], "short", bars=True, interval="1h"),
        lines("Log lines", "By level, also those that the level did not let through.",
              [query(f"sum by (level) (rate(sendpost_log_messages_total{{@}}{RATE}))", "{{level}}")], "cps",
              colors=coloured(error=VERMILION, warn=ORANGE, info=BLUE, debug=SKY)),
    ]


def build() -> dict:
    panels = [agents(), row("Prefect"), *prefect(), row("Journal and loop"), *journal(), row("Definitions"), *definitions(), row("HTTP"), *http(),
              row("Process"), *process()]
    return dashboard(AGENTS, "Sendpost / Agent", "The agent itself, and what it sees of Prefect.", panels, since="now-6h", refresh="30s")
