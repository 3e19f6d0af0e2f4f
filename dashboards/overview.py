# SPDX-License-Identifier: Apache-2.0
"""All sendposts: what runs, fails, is stale, late or overdue, and how it goes over weeks."""
from dashboard import OVERVIEW, SENDPOST, dashboard
from panels import (BLUE, ENABLED, GOOD_BELOW, GREY, LONG_PERIOD, NEVER, NO_TIME, NONE_IS_GOOD, STATES, TREND, VERMILION, coloured, gauges,
                    label_column, lines, link, only_labels, query, row, stat, table, timeline, to_dashboard, value_column, value_mappings)

SUCCESS_OR_BIRTH = "((sendpost_last_success_timestamp_seconds{@} > 0) or sendpost_first_seen_timestamp_seconds{@})"
FAILING = "sendpost_last_failure_timestamp_seconds{@} > bool sendpost_last_success_timestamp_seconds{@}"
FRESHNESS_USED = f"(time() - {SUCCESS_OR_BIRTH}) / (sendpost_freshness_objective_seconds{{@}} > 0)"
STALE = f"""(time() - {SUCCESS_OR_BIRTH} > bool sendpost_freshness_objective_seconds{{@}})
    * (sendpost_freshness_objective_seconds{{@}} > bool 0) * sendpost_enabled{{@}}"""
LATE = """(time() - sendpost_next_run_timestamp_seconds{@} > bool 300)
    * (sendpost_next_run_timestamp_seconds{@} > bool 0) * sendpost_enabled{@}"""
OVERDUE = """(time() > bool sendpost_success_due_timestamp_seconds{@})
    * (sendpost_success_due_timestamp_seconds{@} > bool 0) * sendpost_enabled{@}"""
BY = "by (job, instance, sendpost)"
FAILED_RUN = """sendpost_last_failure_run_info{@} * on (job, instance) group_left (external_url)
    (topk without (namespace, external_url) (1, timestamp(sendpost_agent_info{@@})) > bool 0)"""
# external_url may end with a slash. Empty, no address can be made of it.
RUN_ADDRESS = f"""label_replace(label_join({FAILED_RUN}, "parts", " ", "external_url", "run_id"), "run_url", "$1/#/runs/$2", "parts", "(.+?)/? (.+)")"""


def numbers() -> list[dict]:
    return [
        stat("Enabled", "Sendposts that are enabled.", "sum(sendpost_enabled{@})", width=3),
        stat("Running", "Sendposts with a run under way.", "sum(sendpost_runs_active{@} > bool 0)", width=3),
        stat("Failing", "Sendposts whose last run failed, and none has completed since.", f"sum({FAILING})", steps=NONE_IS_GOOD, width=3),
        stat("Stale", "Enabled sendposts whose last success, or first sight if there was none, is older than their freshness allows.", f"sum({STALE})",
             steps=NONE_IS_GOOD, width=3),
        stat("Late", "Enabled sendposts whose planned start passed more than 5 minutes ago.", f"sum({LATE})", steps=NONE_IS_GOOD, width=3),
        stat("Overdue", "Enabled sendposts with a tick that is older than their deadline, and no run has completed since.", f"sum({OVERDUE})",
             steps=NONE_IS_GOOD, width=3),
        stat("Broken definitions", "Files with errors; the last good content of each stays in force.", "sum(sendpost_definitions_broken{@})",
             steps=NONE_IS_GOOD, width=3),
        stat("Agents without Prefect", "Agents whose last contact with Prefect did not work: what they show is what was true then.",
             "sum(1 - sendpost_prefect_up{@})", steps=NONE_IS_GOOD, width=3),
    ]


def sendposts() -> dict:
    return table(
        "Sendposts", "One row for each. The name leads to its own dashboard, the last columns to the run that failed.", [
            label_column("Sendpost", "sendpost", url=to_dashboard(SENDPOST, sendpost="${__value.raw}")),
            value_column("State", f"sum {BY} (sendpost_state_code{{@}})", "none", mappings=value_mappings(STATES), filled=True, width=110),
            value_column("Enabled", f"sum {BY} (sendpost_enabled{{@}})", "none", mappings=value_mappings(ENABLED), width=80),
            value_column("Last success", f"sum {BY} (sendpost_last_success_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow", mappings=NEVER),
            value_column("Freshness used", FRESHNESS_USED, "percentunit", steps=GOOD_BELOW),
            value_column("Last duration", f"sum {BY} (sendpost_last_run_duration_seconds{{@}})", "s"),
            value_column("Next run", f"sum {BY} (sendpost_next_run_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow", mappings=NO_TIME),
            value_column("Success due", f"sum {BY} (sendpost_success_due_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow", mappings=NO_TIME),
            value_column("Deployments not fine", f"sum {BY} (1 - sendpost_stage_reference_ok{{@}})", steps=NONE_IS_GOOD),
            only_labels("sum by (job, instance, sendpost, owner) (sendpost_info{@})"),
            label_column("Owner", "owner"),
            only_labels("sum by (job, instance, sendpost, stage_name, task, reason) (sendpost_last_failure_info{@})"),
            label_column("Failed stage", "stage_name"), label_column("Task", "task"), label_column("Reason", "reason"),
            only_labels(f"sum by (job, instance, sendpost, flow_run_id, run_url) ({RUN_ADDRESS})"),
            label_column("Flow run", "flow_run_id", url="${prefect_url:raw}/flow-runs/flow-run/${__value.raw}", as_link=True, width=80),
            label_column("Run", "run_url", url="${__value.raw}", as_link=True, width=80),
            label_column("Instance", "instance"),
        ], height=10)


def trends() -> list[dict]:
    ended = [
        query("""sum(increase(sendpost_runs_total{@}[$__rate_interval])) - sum(increase(sendpost_run_failures_total{@}[$__rate_interval]))
            - sum(increase(sendpost_run_cancellations_total{@}[$__rate_interval]))""", "completed"),
        query("sum(increase(sendpost_run_failures_total{@}[$__rate_interval]))", "failed"),
        query("sum(increase(sendpost_run_cancellations_total{@}[$__rate_interval]))", "cancelled"),
    ]
    month = {"timeFrom": TREND, "interval": LONG_PERIOD}
    return [
        lines("Runs ended a day", "Runs of the last month, by how they ended. A bar counts the day that ends with it.", ended, "short", bars=True,
              colors=coloured(completed=BLUE, failed=VERMILION, cancelled=GREY), **month),
        lines("Failures a day", "Runs of the last month that failed. A bar counts the day that ends with it.",
              [query("sum by (sendpost) (increase(sendpost_run_failures_total{@}[$__rate_interval])) > 0", "{{sendpost}}")], "short", bars=True, **month),
        lines("Completed", "Part of the runs of each day that completed, cancelled ones left aside.", [query(
            """1 - sum(increase(sendpost_run_failures_total{@}[$__rate_interval]))
            / (sum(increase(sendpost_runs_total{@}[$__rate_interval])) - sum(increase(sendpost_run_cancellations_total{@}[$__rate_interval])) > 0)""",
            "completed")], "percentunit", colors=coloured(completed=BLUE), **month),
        lines("Duration", "Duration of the run that ended last: a step is a new run.",
              [query("sendpost_last_run_duration_seconds{@} > 0", "{{sendpost}}")], "s", timeFrom=TREND),
    ]


def build() -> dict:
    started_late = """histogram_quantile(0.95, sum by (sendpost, le) (increase(sendpost_run_start_delay_seconds_bucket{@}[$__range])))"""
    panels = [
        *numbers(),
        timeline("State", "The state of each sendpost over time: of its active run, else of the one that ended last.", "sendpost_state_code{@}",
                 "{{sendpost}}", STATES, links=[link("Open ${__field.labels.sendpost}", to_dashboard(SENDPOST, sendpost="${__field.labels.sendpost}"))]),
        sendposts(),
        gauges("Freshness used", "Age of the last success as a part of what the sendpost allows; those without a freshness are not here.",
               f"sort_desc({FRESHNESS_USED})", "{{sendpost}}", "percentunit",
               steps=GOOD_BELOW, maximum=1, no_value="no sendpost says freshness"),
        gauges("Start delay, 95th percentile", "From due or accepted to the first flow run running, in the time shown: how long runs wait for workers.",
               started_late, "{{sendpost}}", "s", no_value="no run started"),
        row("The last month"), *trends(),
    ]
    return dashboard(OVERVIEW, "Sendpost / Overview", "What runs, fails, is stale, late or overdue.", panels, since="now-24h")
