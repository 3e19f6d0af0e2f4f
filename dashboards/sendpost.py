# SPDX-License-Identifier: Apache-2.0
"""One sendpost and its stages."""
from dashboard import SENDPOST, dashboard
from overview import BY, FRESHNESS_USED, RUN_ADDRESS, SUCCESS_OR_BIRTH
from panels import (BLUE, GOOD_BELOW, GREY, NEVER, NO_TIME, NONE_IS_GOOD, ORANGE, PERIOD, PURPLE, SKY, STATES, VERMILION, YES_NO, coloured, gauges, heatmap,
                    label_column, lines, only_labels, query, row, stat, table, timeline, value_column, value_mappings)

STAGE = '{@,stage_name=~"$stage_name"}'
BY_STAGE = "by (job, instance, stage_name)"
DEPLOYMENT = "${prefect_url:raw}/deployments/deployment/${__value.raw}"


def numbers() -> list[dict]:
    return [
        stat("State", "Of the active run, else of the run that ended last.", "sendpost_state_code{@}", unit="none", mappings=value_mappings(STATES), width=3),
        stat("Last success", "End of the last run that completed.", "sendpost_last_success_timestamp_seconds{@} * 1000", unit="dateTimeFromNow",
             mappings=NEVER),
        stat("Freshness used", "Age of the last success as a part of what is allowed; over 100 % it is stale.",
             FRESHNESS_USED, unit="percentunit", steps=GOOD_BELOW, no_value="not set"),
        stat("Next run", "The earliest planned start.", "sendpost_next_run_timestamp_seconds{@} * 1000", unit="dateTimeFromNow", mappings=NO_TIME),
        stat("Success due", "When a run must have completed for the oldest tick since the last success: that tick and the deadline.",
             "sendpost_success_due_timestamp_seconds{@} * 1000", unit="dateTimeFromNow", mappings=NO_TIME, width=3),
        stat("Last duration", "Of the run that ended last.", "sendpost_last_run_duration_seconds{@}", unit="s", width=3),
        stat("Queued runs", "Runs accepted and not yet started.", "sendpost_runs_queued{@}", width=3),
    ]


def failure() -> dict:
    return table(
        "Last failure", "What failed, until a run completes. The message and the log lines are in the run.", [
            only_labels("sum by (job, instance, sendpost, stage_name, task, reason) (sendpost_last_failure_info{@})"),
            label_column("Stage", "stage_name"), label_column("Task", "task"), label_column("Reason", "reason"),
            value_column("When", f"sum {BY} (sendpost_last_failure_timestamp_seconds{{@}} > sendpost_last_success_timestamp_seconds{{@}}) * 1000",
                         "dateTimeAsLocal"),
            only_labels(f"sum by (job, instance, sendpost, flow_run_id, run_url) ({RUN_ADDRESS})"),
            label_column("Flow run", "flow_run_id", url="${prefect_url:raw}/flow-runs/flow-run/${__value.raw}", as_link=True),
            label_column("Run", "run_url", url="${__value.raw}", as_link=True),
            label_column("Instance", "instance"),
        ], height=4, hidden=("job", "sendpost"), no_value="No failure since the last success")


def run_panels() -> list[dict]:
    return [
        lines("Freshness", "Age of the last success, and how old it may be. What has never completed counts from when it was first loaded.", [
            query(f"time() - {SUCCESS_OR_BIRTH}", "age of the last success"),
            query("sendpost_freshness_objective_seconds{@} > 0", "allowed")], "s", dashed="allowed"),
        lines("Duration", "Of the run that ended last, and of the one under way; and after how long a run is ended.", [
            query("sendpost_last_run_duration_seconds{@} > 0", "last run"),
            query("time() - (sendpost_run_start_timestamp_seconds{@} > 0)", "under way"),
            query("sendpost_timeout_seconds{@} > 0", "timeout")], "s", dashed="timeout", colors=coloured(**{"last run": BLUE, "under way": SKY})),
        heatmap("Durations", "Completed runs by duration. A dot is a run: it leads to the agent's account of it, if the data source knows where that is.",
                "sum by (le) (increase(sendpost_run_duration_seconds_bucket{@}[$__rate_interval]))"),
        lines("Runs ended", "Upwards by what started them, downwards those that failed, by reason. A bar counts what ended since the one before it.", [
            query("sum by (trigger) (increase(sendpost_runs_total{@}[$__rate_interval])) > 0", "by {{trigger}}"),
            query("- sum by (reason) (increase(sendpost_run_failures_total{@}[$__rate_interval])) < 0", "{{reason}}")],
            "short", bars=True, interval=PERIOD, minimum=None, colors=coloured(failed=VERMILION, crashed=PURPLE, cancelled=GREY, timed_out=ORANGE)),
    ]


def stage_table() -> dict:
    return table(
        "Stages", "The deployment leads to Prefect. Retries and failures are those in the time shown.", [
            label_column("Stage", "stage_name"),
            value_column("State", f"sum {BY_STAGE} (sendpost_stage_state_code{STAGE})", "none", mappings=value_mappings(STATES), filled=True, width=110),
            only_labels(f"sum by (job, instance, stage_name, kind, deployment, deployment_id) (sendpost_stage_info{STAGE})"),
            label_column("Kind", "kind"), label_column("Deployment", "deployment"),
            label_column("In Prefect", "deployment_id", url=DEPLOYMENT, as_link=True, width=90),
            value_column("Deployment fine", f"sum {BY_STAGE} (sendpost_stage_reference_ok{STAGE})", "none", mappings=value_mappings(YES_NO), filled=True,
                         width=130),
            only_labels(f"sum by (job, instance, stage_name, problem) (sendpost_stage_reference_problem_info{STAGE})"),
            label_column("Problem", "problem"),
            value_column("Last success", f"sum {BY_STAGE} (sendpost_stage_last_success_timestamp_seconds{STAGE}) * 1000", "dateTimeFromNow", mappings=NEVER),
            value_column("Last failure", f"sum {BY_STAGE} (sendpost_stage_last_failure_timestamp_seconds{STAGE}) * 1000", "dateTimeFromNow", mappings=NEVER),
            value_column("Last duration", f"sum {BY_STAGE} (sendpost_stage_last_duration_seconds{STAGE})", "s"),
            value_column("Expected", f"sum {BY_STAGE} (sendpost_stage_expected_duration_seconds{STAGE} > 0)", "s"),
            value_column("Retries", f"round(sum {BY_STAGE} (increase(sendpost_stage_retries_total{STAGE}[$__range])))", steps=NONE_IS_GOOD),
            value_column("Failures", f"round(sum {BY_STAGE} (increase(sendpost_stage_failures_total{STAGE}[$__range])))", steps=NONE_IS_GOOD),
        ], hidden=("job", "instance"))


def stage_panels() -> list[dict]:
    return [
        timeline("Stage states", "The state of each stage in the active run, else in the run that ended last.", f"sendpost_stage_state_code{STAGE}",
                 "{{stage_name}}", STATES),
        stage_table(),
        lines("Stage durations", "When it ended last. Dashed: what the definition expects.", [
            query(f"sendpost_stage_last_duration_seconds{STAGE} > 0", "{{stage_name}}"),
            query(f"sendpost_stage_expected_duration_seconds{STAGE} > 0", "{{stage_name}} expected")], "s", dashed=".* expected"),
        gauges("Under way, of what is expected", "How long the active stages have taken, as a part of their expected duration.",
               f"(time() - (sendpost_stage_start_timestamp_seconds{STAGE} > 0)) / (sendpost_stage_expected_duration_seconds{STAGE} > 0)", "{{stage_name}}",
               "percentunit", steps=[(None, BLUE), (1, ORANGE), (2, VERMILION)], maximum=2, no_value="no stage with an expected duration is active"),
        gauges("Share of the time", "What stages took in the time shown: where it is worth looking for speed.",
               f"sort_desc(sum by (stage_name) (increase(sendpost_stage_duration_seconds_sum{STAGE}[$__range])))", "{{stage_name}}", "s"),
        lines("Retries and failures", "Attempts after the first, and stages that ended in failure. A bar counts those since the one before it.", [
            query(f"sum by (stage_name) (increase(sendpost_stage_retries_total{STAGE}[$__rate_interval])) > 0", "{{stage_name}} retried"),
            query(f"sum by (stage_name) (increase(sendpost_stage_failures_total{STAGE}[$__rate_interval])) > 0", "{{stage_name}} failed")],
            "short", bars=True, interval=PERIOD),
    ]


def start_panels() -> list[dict]:
    return [
        lines("Ticks", "Moments of the schedule, by what became of them. A bar counts those since the one before it.",
              [query("sum by (verdict) (increase(sendpost_ticks_total{@}[$__rate_interval])) > 0", "{{verdict}}")], "short", width=8, bars=True,
              interval=PERIOD, colors=coloured(started=BLUE, caught_up=SKY, missed=VERMILION, skipped=ORANGE, disabled=GREY)),
        heatmap("Start delay", "From due or accepted to the first flow run running.",
                "sum by (le) (increase(sendpost_run_start_delay_seconds_bucket{@}[$__rate_interval]))", width=8),
        lines("Triggers refused", "By cause. A bar counts those since the one before it.",
              [query("sum by (cause) (increase(sendpost_triggers_refused_total{@}[$__rate_interval])) > 0", "{{cause}}")], "short", width=8, bars=True,
              interval=PERIOD),
    ]


def build() -> dict:
    panels = [*numbers(), failure(), *run_panels(), row("Stages"), *stage_panels(), row("Starts"), *start_panels()]
    return dashboard(SENDPOST, "Sendpost / Sendpost", "One sendpost: its runs, its stages, its schedule.", panels, since="now-7d", of_sendpost=True)
