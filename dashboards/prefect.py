# SPDX-License-Identifier: Apache-2.0
"""Prefect as a whole: what its deployments do, what is late and why, work pools, queues and workers."""
from dashboard import PREFECT, dashboard
from panels import (BLUE, GREY, NEVER, NO_TIME, NONE_IS_GOOD, ORANGE, PERIOD, PURPLE, VERMILION, YELLOW, coloured, label_column, lines, only_labels, query, row,
                    stat, table, timeline, value_column, value_mappings)

BY = "by (job, instance, deployment)"
BY_POOL = "by (job, instance, work_pool)"
BY_QUEUE = "by (job, instance, work_pool, work_queue)"
POOL = [("no worker", VERMILION), ("ready", BLUE), ("paused", YELLOW)]
PAUSED = value_mappings([("no", BLUE), ("yes", ORANGE)])
ENDS = coloured(completed=BLUE, failed=VERMILION, crashed=PURPLE, cancelled=GREY)
DURATIONS = "sendpost_prefect_deployment_flow_run_duration_seconds"


def numbers() -> list[dict]:
    return [
        stat("Deployments", "Also those that are not shown.", "sum(sendpost_prefect_deployments{@})"),
        stat("Paused deployments", "Their schedules start nothing.", "sum(sendpost_prefect_deployments_paused{@})"),
        stat("Running", "Flow runs of the deployments that are shown.", "sum(sendpost_prefect_deployment_flow_runs_running{@})"),
        stat("Late", "Flow runs that Prefect calls late: they should have started.", "sum(sendpost_prefect_flow_runs_late{@})", steps=NONE_IS_GOOD),
        stat("Workers online", "In all work pools.", "sum(sendpost_prefect_work_pool_workers_online{@})"),
        stat("Last looked at", "When all of Prefect had last been asked for.", "min(sendpost_prefect_inventory_last_success_timestamp_seconds{@}) * 1000",
             unit="dateTimeFromNow", mappings=NEVER),
        stat("Ends counted up to", "By Prefect's clock: long ago while what ended in the agent's absence is still being counted.",
             "min(sendpost_prefect_inventory_cursor_timestamp_seconds{@}) * 1000", unit="dateTimeFromNow", mappings=NEVER),
        stat("Gaps", "How often within the time shown flow runs ended that could not be counted, as too many ended while the agent was away.",
             "sum(increase(sendpost_prefect_inventory_gaps_total{@}[$__range]))", steps=NONE_IS_GOOD),
    ]


def flow_runs() -> list[dict]:
    return [
        lines("Flow runs ended", "By how, whoever started them.",
              [query("sum by (state) (increase(sendpost_prefect_deployment_flow_runs_ended_total{@}[$__rate_interval]))", "{{state}}")], "short", bars=True,
              interval=PERIOD, colors=ENDS),
        lines("Failed and crashed flow runs", "Of the ten deployments that had most.", [query("""
            topk(10, sum by (deployment) (increase(sendpost_prefect_deployment_flow_runs_ended_total{@,deployment!="",state=~"failed|crashed"}[$__rate_interval])))""",
            "{{deployment}}")], "short", bars=True, interval=PERIOD),
        lines("Running flow runs", "Those under way, of the ten deployments that have most.",
              [query('topk(10, sum by (deployment) (sendpost_prefect_deployment_flow_runs_running{@,deployment!=""}))', "{{deployment}}")], "short", width=8),
        lines("Oldest running", "How long the oldest flow run of a deployment has been running, of the ten longest.", [query("""
            topk(10, max by (deployment) ((time() - sendpost_prefect_deployment_oldest_running_start_timestamp_seconds{@,deployment!=""})
                * (sendpost_prefect_deployment_oldest_running_start_timestamp_seconds{@,deployment!=""} > bool 0)))""", "{{deployment}}")], "s", width=8),
        lines("Duration", "Of completed flow runs of all deployments.",
              [query(f"histogram_quantile({part}, sum by (le) (rate({DURATIONS}_bucket{{@}}[$__rate_interval])))", name)
               for part, name in ((0.5, "median"), (0.99, "99th percentile"))], "s", width=8, interval=PERIOD),
    ]


def late() -> list[dict]:
    return [
        lines("Late flow runs", "By why: no worker of the pool is online, all slots are taken, the queue or its pool is paused, or else.",
              [query("sum by (cause) (sendpost_prefect_work_queue_flow_runs_late{@})", "{{cause}}")], "short",
              colors=coloured(no_worker=VERMILION, slots_full=ORANGE, paused=YELLOW, other=GREY)),
        lines("Oldest late", "For how long the oldest late flow run of a queue should have been running.", [query("""
            topk(10, max by (work_pool, work_queue) ((time() - sendpost_prefect_work_queue_oldest_late_timestamp_seconds{@,work_queue!=""})
                * (sendpost_prefect_work_queue_oldest_late_timestamp_seconds{@,work_queue!=""} > bool 0)))""", "{{work_pool}}/{{work_queue}}")], "s"),
        table("Work queues", "One row for each; the empty one is of deployments without a work pool.", [
            label_column("Work pool", "work_pool"), label_column("Queue", "work_queue"),
            value_column("Late", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_flow_runs_late{{@}})", steps=NONE_IS_GOOD),
            value_column("Oldest late", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_oldest_late_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow",
                         mappings=NO_TIME),
            value_column("Active", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_flow_runs_active{{@}})"),
            value_column("Limit", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_concurrency_limit{{@}})"),
            value_column("Paused", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_paused{{@}})", "none", mappings=PAUSED),
            value_column("Last polled", f"sum {BY_QUEUE} (sendpost_prefect_work_queue_last_polled_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow",
                         mappings=NEVER),
            label_column("Instance", "instance"),
        ]),
    ]


def pools() -> list[dict]:
    state = "clamp_max(sendpost_prefect_work_pool_ready{@} + 2 * sendpost_prefect_work_pool_paused{@}, 2)"
    return [
        timeline("Work pools", "Whether a worker is online, and whether the pool is paused.", f"max by (work_pool) ({state})", "{{work_pool}}", POOL, height=7),
        table("Pools", "One row for each.", [
            label_column("Work pool", "work_pool"),
            only_labels("sum by (job, instance, work_pool, type) (sendpost_prefect_work_pool_info{@})"), label_column("Type", "type"),
            value_column("Active", f"sum {BY_POOL} (sendpost_prefect_work_pool_flow_runs_active{{@}})"),
            value_column("Limit", f"sum {BY_POOL} (sendpost_prefect_work_pool_concurrency_limit{{@}})"),
            value_column("Workers online", f"sum {BY_POOL} (sendpost_prefect_work_pool_workers_online{{@}})"),
            value_column("Last heartbeat", f"sum {BY_POOL} (sendpost_prefect_work_pool_last_heartbeat_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow",
                         mappings=NEVER),
            label_column("Instance", "instance"),
        ], width=12),
        table("Workers", "Those that were heard within the hour.", [
            label_column("Work pool", "work_pool"), label_column("Worker", "worker"),
            value_column("Online", "sum by (job, instance, work_pool, worker) (sendpost_prefect_worker_online{@})", "none",
                         mappings=value_mappings([("no", VERMILION), ("yes", BLUE)])),
            value_column("Last heartbeat", "sum by (job, instance, work_pool, worker) (sendpost_prefect_worker_last_heartbeat_timestamp_seconds{@}) * 1000",
                         "dateTimeFromNow", mappings=NEVER),
            label_column("Instance", "instance"),
        ], width=12),
    ]


def deployments() -> dict:
    return table("All deployments", "One row for each that is shown; the ends are of the time range.", [
        label_column("Deployment", "deployment"),
        value_column("Paused", f"sum {BY} (sendpost_prefect_deployment_paused{{@}})", "none", mappings=PAUSED),
        value_column("Running", f"sum {BY} (sendpost_prefect_deployment_flow_runs_running{{@}})"),
        value_column("Oldest running since", f"sum {BY} (sendpost_prefect_deployment_oldest_running_start_timestamp_seconds{{@}}) * 1000", "dateTimeFromNow",
                     mappings=NO_TIME),
        value_column("Completed", f'round(sum {BY} (increase(sendpost_prefect_deployment_flow_runs_ended_total{{@,state="completed"}}[$__range])))'),
        value_column("Failed", f'round(sum {BY} (increase(sendpost_prefect_deployment_flow_runs_ended_total{{@,state=~"failed|crashed"}}[$__range])))',
                     steps=NONE_IS_GOOD),
        only_labels("sum by (job, instance, deployment, deployment_id, work_pool, work_queue) (sendpost_prefect_deployment_info{@})"),
        label_column("Work pool", "work_pool"), label_column("Queue", "work_queue"),
        label_column("Page", "deployment_id", url="${prefect_url:raw}/deployments/deployment/${__value.raw}", as_link=True, width=80),
        label_column("Instance", "instance"),
    ], height=12)


def build() -> dict:
    panels = [*numbers(), row("Flow runs"), *flow_runs(), row("Late"), *late(), row("Pools and workers"), *pools(), row("Deployments"), deployments()]
    return dashboard(PREFECT, "Sendpost / Prefect", "Prefect as a whole, where prefect.inventory is enabled.", panels, since="now-6h", refresh="30s")
