/* SPDX-License-Identifier: Apache-2.0 */
/* The table says everything about a metric; the order is that of the contract. Only form and place of the value are
 * code. */
#include "metrics/families.h"
#include "base/log.h"
#include <stddef.h>
#include <string.h>

const char *const scope_labels[SCOPES] = {
    [SCOPE_AGENT] = "",
    [SCOPE_SENDPOST] = "sendpost",
    [SCOPE_LABEL] = "sendpost, label, value",
    [SCOPE_STAGE] = "sendpost, stage_name",
    [SCOPE_ENDPOINT] = "endpoint",
    [SCOPE_FILE] = "file",
    [SCOPE_HANDLER] = "handler",
    [SCOPE_INVENTORY] = "",
    [SCOPE_NUMBERS] = "",
    [SCOPE_DEPLOYMENT] = "deployment",
    [SCOPE_WORK_POOL] = "work_pool",
    [SCOPE_WORK_QUEUE] = "work_pool, work_queue",
    [SCOPE_WORKER] = "work_pool, worker",
};

const char *const metric_type_names[METRICS_FORMATS][METRIC_TYPES] = {
    {"counter", "gauge", "gauge", "histogram", "summary", "gauge"},
    {"counter", "gauge", "stateset", "histogram", "summary", "info"},
};

enum {
    SENDPOST_STATES = 1 << STATE_NEVER_RUN | 1 << STATE_SCHEDULED | 1 << STATE_RUNNING | 1 << STATE_PAUSED |
                      1 << STATE_CANCELLING | 1 << STATE_COMPLETED | 1 << STATE_FAILED | 1 << STATE_CRASHED |
                      1 << STATE_CANCELLED,
};

#define COUNTER   .type = METRIC_COUNTER
#define GAUGE     .type = METRIC_GAUGE
#define STATESET  .type = METRIC_STATESET, .form = FORM_STATES
#define SUMMARY   .type = METRIC_SUMMARY, .form = FORM_SUMMARY_MS
#define HISTOGRAM .type = METRIC_HISTOGRAM

#define AT(scoped, item, member) .scope = scoped, .offset = offsetof(item, member)
#define AGENT(member)            AT(SCOPE_AGENT, AgentItem, member)
#define SENDPOST(member)         AT(SCOPE_SENDPOST, SendpostItem, member)
#define STAGE(member)            AT(SCOPE_STAGE, StageItem, member)
#define ENDPOINT(member)         AT(SCOPE_ENDPOINT, EndpointItem, member)
#define HANDLER(member)          AT(SCOPE_HANDLER, HandlerItem, member)
#define INVENTORY(member)        AT(SCOPE_INVENTORY, InventoryItem, member)
#define NUMBERS(member)          AT(SCOPE_NUMBERS, NumbersItem, member)
#define DEPLOYMENT(member)       AT(SCOPE_DEPLOYMENT, DeploymentItem, member)
#define WORK_POOL(member)        AT(SCOPE_WORK_POOL, WorkPoolItem, member)
#define WORK_QUEUE(member)       AT(SCOPE_WORK_QUEUE, WorkQueueItem, member)
#define WORKER(member)           AT(SCOPE_WORKER, WorkerItem, member)
#define SUM(item, member)        .sum = offsetof(item, member)

#define ONE              .type = METRIC_INFO, .form = FORM_ONE
#define INFO(further)    .type = METRIC_INFO, .form = FORM_INFO, .label = further
#define PASSING(further) INFO(further), .passing = true
#define FLAG             .form = FORM_FLAG
#define WHOLE            .form = FORM_WHOLE
#define SECONDS          .form = FORM_SECONDS
#define CODE             .form = FORM_CODE

#define NAMES(name, list, length)    .label = name, .names = list, .count = length
#define COUNTS(name, list, length)   .form = FORM_COUNTS, NAMES(name, list, length)
#define WITHIN(list, length)         .form = FORM_HISTOGRAM, .bounds = list, .count = length
#define WITHIN_SECONDS(list, length) .form = FORM_HISTOGRAM_MS, .numbers = list, .count = length

/* clang-format off */
const Family families[] = {
    /* per sendpost */
    {"sendpost_info", INFO("owner, file"), SENDPOST(info), .help = "Who owns the sendpost, and which file defines it; none once it is gone."},
    {"sendpost_label_info", ONE, .scope = SCOPE_LABEL, .help = "One for each label of the definition."},
    {"sendpost_enabled", GAUGE, FLAG, SENDPOST(enabled), .help = "Whether the definition says enabled."},
    {"sendpost_state", STATESET, SENDPOST(state), NAMES("sendpost_state", state_names, STATES), .only = SENDPOST_STATES,
     .help = "State of the active run, else of the run that ended last: exactly one is 1."},
    {"sendpost_state_code", GAUGE, CODE, SENDPOST(state),
     .help = "The state as a number: 0 never_run, 3 scheduled, 5 running, 6 paused, "
     "7 cancelling, 8 completed, 9 failed, 10 crashed, 11 cancelled."},
    {"sendpost_runs_total", COUNTER, SENDPOST(totals.runs), COUNTS("trigger", trigger_names, TRIGGERS),
     .help = "Runs that ended, by what triggered them."},
    {"sendpost_run_failures_total", COUNTER, SENDPOST(totals.failures), COUNTS("reason", reason_names, REASONS),
     .help = "Runs that ended in failure."},
    {"sendpost_run_cancellations_total", COUNTER, WHOLE, SENDPOST(totals.cancellations),
     .help = "Runs that were cancelled through sendpost."},
    {"sendpost_runs_active", GAUGE, WHOLE, SENDPOST(active), .help = "Runs under way."},
    {"sendpost_runs_queued", GAUGE, WHOLE, SENDPOST(queued), .help = "Runs accepted and not yet started."},
    {"sendpost_run_duration_seconds", HISTOGRAM, SENDPOST(totals.duration.counts),
     SUM(SendpostItem, totals.duration.sum_ms),
     WITHIN_SECONDS(duration_bucket_seconds, DURATION_BUCKETS), .exemplars = offsetof(SendpostItem, exemplars),
     .help = "Duration of completed runs."},
    {"sendpost_run_start_delay_seconds", HISTOGRAM, SENDPOST(totals.start_delay.counts),
     SUM(SendpostItem, totals.start_delay.sum_ms),
     WITHIN_SECONDS(start_delay_bucket_seconds, START_DELAY_BUCKETS),
     .help = "From due or accepted to the first flow run running."},
    {"sendpost_run_start_timestamp_seconds", GAUGE, SECONDS, SENDPOST(run_start_at),
     .help = "Start of the active run; 0 when idle."},
    {"sendpost_last_run_start_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.last_run_start_at),
     .help = "Start of the run that ended last; 0: never."},
    {"sendpost_last_run_end_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.last_run_end_at),
     .help = "End of the run that ended last; 0: never."},
    {"sendpost_last_success_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.last_success_at),
     .help = "End of the last run that completed; 0: never."},
    {"sendpost_last_failure_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.last_failure_at),
     .help = "End of the last run that failed; 0: never."},
    {"sendpost_next_run_timestamp_seconds", GAUGE, SECONDS, SENDPOST(next_run_at),
     .help = "The earliest planned start; 0: none."},
    {"sendpost_last_tick_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.last_tick_at),
     .help = "The last moment at which a schedule said that a run is due; 0: never."},
    {"sendpost_first_seen_timestamp_seconds", GAUGE, SECONDS, SENDPOST(totals.first_seen_at),
     .help = "When the sendpost was first loaded."},
    {"sendpost_last_run_duration_seconds", GAUGE, SECONDS, SENDPOST(totals.last_run_duration_ms),
     .help = "Duration of the run that ended last."},
    {"sendpost_freshness_objective_seconds", GAUGE, SECONDS, SENDPOST(freshness_ms),
     .help = "How old the last success may be; 0: unset."},
    {"sendpost_deadline_objective_seconds", GAUGE, SECONDS, SENDPOST(deadline_ms),
     .help = "How long after a tick a success is due; 0: unset."},
    {"sendpost_success_due_timestamp_seconds", GAUGE, SECONDS, SENDPOST(success_due_at),
     .help = "When a success is due for the oldest tick since the last one: that tick and the deadline objective; 0: none is."},
    {"sendpost_timeout_seconds", GAUGE, SECONDS, SENDPOST(timeout_ms),
     .help = "After how long a run is ended; 0: unset."},
    {"sendpost_ticks_total", COUNTER, SENDPOST(totals.ticks), COUNTS("verdict", verdict_names, VERDICTS),
     .help = "Moments at which a schedule said that a run is due, by what became of them."},
    {"sendpost_triggers_refused_total", COUNTER, SENDPOST(totals.refused), COUNTS("cause", refusal_names, REFUSALS),
     .help = "Triggers that were refused."},
    {"sendpost_last_failure_info", PASSING("stage_name, task, reason"), SENDPOST(last_failure),
     .help = "What failed, while the last failure is newer than the last success."},
    {"sendpost_last_failure_run_info", PASSING("run_id, flow_run_id"), SENDPOST(last_failure_run),
     .help = "The run and the flow run that failed, for links; while the last failure is newer than the last success."},
    /* per stage */
    {"sendpost_stage_info", INFO("kind, deployment, deployment_id"), STAGE(info), .help = "What the stage runs or observes."},
    {"sendpost_stage_state", STATESET, STAGE(state), NAMES("sendpost_stage_state", state_names, STATES),
     .help = "State in the active run, else in the run that ended last: exactly one is 1."},
    {"sendpost_stage_state_code", GAUGE, CODE, STAGE(state),
     .help = "The state as a number: 0 never_run, 1 waiting, 2 blocked, 3 scheduled, "
     "4 pending, 5 running, 6 paused, 7 cancelling, 8 completed, 9 failed, 10 crashed, 11 cancelled, 12 skipped."},
    {"sendpost_stage_duration_seconds", SUMMARY, STAGE(totals.ended), SUM(StageItem, totals.duration_sum_ms),
     .help = "Duration of ended stages."},
    {"sendpost_stage_last_duration_seconds", GAUGE, SECONDS, STAGE(totals.last_duration_ms),
     .help = "Duration when it ended last."},
    {"sendpost_stage_expected_duration_seconds", GAUGE, SECONDS, STAGE(expected_ms),
     .help = "Usual duration, as the definition says; 0: unset."},
    {"sendpost_stage_start_timestamp_seconds", GAUGE, SECONDS, STAGE(started_at),
     .help = "Start, while the stage is active, else 0."},
    {"sendpost_stage_last_success_timestamp_seconds", GAUGE, SECONDS, STAGE(totals.last_success_at),
     .help = "When it last completed; 0: never."},
    {"sendpost_stage_last_failure_timestamp_seconds", GAUGE, SECONDS, STAGE(totals.last_failure_at),
     .help = "When it last ended in failure; 0: never."},
    {"sendpost_stage_failures_total", COUNTER, WHOLE, STAGE(totals.failures), .help = "Stages that ended in failure."},
    {"sendpost_stage_retries_total", COUNTER, WHOLE, STAGE(totals.retries), .help = "Attempts after the first."},
    {"sendpost_stage_reference_ok", GAUGE, FLAG, STAGE(reference_ok),
     .help = "Whether the deployment was fine when it was last compared with Prefect; 1 until the first time."},
    {"sendpost_stage_reference_problem_info", PASSING("problem"), STAGE(reference_problem),
     .help = "What is wrong with the deployment, while something is: missing, parameters, paused, no_worker."},
    /* Prefect */
    {"sendpost_prefect_up", GAUGE, FLAG, AGENT(prefect_up), .help = "Whether the last contact with Prefect worked."},
    {"sendpost_prefect_info", INFO("version, api_url"), AGENT(prefect_info), .help = "Which Prefect it is."},
    {"sendpost_prefect_requests_total", COUNTER, WHOLE, ENDPOINT(requests), .help = "Requests to Prefect that ended."},
    {"sendpost_prefect_request_failures_total", COUNTER, ENDPOINT(failures), COUNTS("cause", failure_cause_names, CAUSES),
     .help = "Requests to Prefect that failed."},
    {"sendpost_prefect_request_duration_seconds", HISTOGRAM, ENDPOINT(duration_counts), SUM(EndpointItem, duration_sum),
     WITHIN(request_duration_bounds, REQUEST_DURATION_BUCKETS), .help = "Duration of requests to Prefect."},
    {"sendpost_prefect_requests_in_flight", GAUGE, WHOLE, AGENT(prefect_in_flight),
     .help = "Requests to Prefect under way."},
    {"sendpost_prefect_last_success_timestamp_seconds", GAUGE, SECONDS, AGENT(prefect_last_success_at),
     .help = "When contact with Prefect last worked; 0: never."},
    {"sendpost_prefect_poll_interval_seconds", GAUGE, SECONDS, AGENT(poll_interval_ms),
     .help = "How long from one poll of the flow runs to the next."},
    {"sendpost_prefect_circuit_state", STATESET, AGENT(circuit), NAMES("sendpost_prefect_circuit_state", circuit_names, CIRCUITS),
     .help = "The circuit breaker before all requests: exactly one is 1."},
    {"sendpost_flow_runs_created_total", COUNTER, WHOLE, AGENT(totals.flow_runs_created), .help = "Flow runs created."},
    {"sendpost_flow_runs_adopted_total", COUNTER, WHOLE, AGENT(totals.flow_runs_adopted),
     .help = "Flow runs that were there already when their key was sent again."},
    {"sendpost_flow_runs_watched", GAUGE, WHOLE, AGENT(watched), .help = "Flow runs that are followed."},
    /* Prefect as a whole */
    {"sendpost_prefect_inventory_last_success_timestamp_seconds", GAUGE, SECONDS, INVENTORY(round_at),
     .help = "When all of the inventory had last been answered, with nothing refused; 0: never."},
    {"sendpost_prefect_inventory_cursor_timestamp_seconds", GAUGE, SECONDS, INVENTORY(counted_to),
     .help = "Up to which end, by Prefect's clock, flow runs have been counted."},
    {"sendpost_prefect_inventory_gaps_total", COUNTER, WHOLE, INVENTORY(gaps),
     .help = "How often more had ended than could be read, so that some is not counted."},
    {"sendpost_prefect_deployments", GAUGE, WHOLE, NUMBERS(deployments), .help = "Deployments, also those that are not shown."},
    {"sendpost_prefect_deployments_paused", GAUGE, WHOLE, NUMBERS(paused), .help = "Deployments that are paused."},
    {"sendpost_prefect_flow_runs_late", GAUGE, WHOLE, NUMBERS(late), .help = "Flow runs that Prefect calls late."},
    {"sendpost_prefect_deployment_info", INFO("deployment_id, work_pool, work_queue"), DEPLOYMENT(info),
     .help = "Which deployment it is, and where its flow runs go."},
    {"sendpost_prefect_deployment_paused", GAUGE, FLAG, DEPLOYMENT(paused), .help = "Whether its schedules are paused."},
    {"sendpost_prefect_deployment_flow_runs_ended_total", COUNTER, DEPLOYMENT(totals.ended),
     COUNTS("state", end_state_names, END_STATES), .help = "Flow runs that ended, whoever started them."},
    {"sendpost_prefect_deployment_flow_run_duration_seconds", HISTOGRAM, DEPLOYMENT(totals.duration_counts),
     SUM(DeploymentItem, totals.duration_sum_ms), WITHIN_SECONDS(end_duration_bucket_seconds, END_DURATION_BUCKETS),
     .help = "Duration of completed flow runs."},
    {"sendpost_prefect_deployment_flow_runs_running", GAUGE, WHOLE, DEPLOYMENT(running), .help = "Flow runs that are running."},
    {"sendpost_prefect_deployment_oldest_running_start_timestamp_seconds", GAUGE, SECONDS, DEPLOYMENT(oldest_at),
     .help = "Start of the oldest of them; 0: none is."},
    {"sendpost_prefect_work_pool_info", INFO("type"), WORK_POOL(info), .help = "What kind of pool it is."},
    {"sendpost_prefect_work_pool_paused", GAUGE, FLAG, WORK_POOL(paused), .help = "Whether it is paused."},
    {"sendpost_prefect_work_pool_ready", GAUGE, FLAG, WORK_POOL(ready), .help = "Whether Prefect calls it ready: a worker is online."},
    {"sendpost_prefect_work_pool_flow_runs_active", GAUGE, WHOLE, WORK_POOL(active),
     .help = "Flow runs that are pending, running or cancelling."},
    {"sendpost_prefect_work_pool_concurrency_limit", GAUGE, .form = FORM_LIMIT, WORK_POOL(limit), .help = "How many may be; +Inf: no limit."},
    {"sendpost_prefect_work_pool_workers_online", GAUGE, WHOLE, WORK_POOL(workers_online), .help = "Workers that are online."},
    {"sendpost_prefect_work_pool_last_heartbeat_timestamp_seconds", GAUGE, SECONDS, WORK_POOL(heard_at),
     .help = "When any worker of it was last heard; 0: never."},
    {"sendpost_prefect_work_queue_paused", GAUGE, FLAG, WORK_QUEUE(paused), .help = "Whether it is paused."},
    {"sendpost_prefect_work_queue_flow_runs_active", GAUGE, WHOLE, WORK_QUEUE(active),
     .help = "Flow runs that are pending, running or cancelling."},
    {"sendpost_prefect_work_queue_concurrency_limit", GAUGE, .form = FORM_LIMIT, WORK_QUEUE(limit), .help = "How many may be; +Inf: no limit."},
    {"sendpost_prefect_work_queue_flow_runs_late", GAUGE, WORK_QUEUE(late), COUNTS("cause", late_cause_names, LATE_CAUSES),
     .help = "Flow runs that Prefect calls late, under why they are."},
    {"sendpost_prefect_work_queue_oldest_late_timestamp_seconds", GAUGE, SECONDS, WORK_QUEUE(oldest_late_at),
     .help = "When the oldest of them should have started; 0: none is late."},
    {"sendpost_prefect_work_queue_last_polled_timestamp_seconds", GAUGE, SECONDS, WORK_QUEUE(polled_at),
     .help = "When a worker last asked it for work; 0: never."},
    {"sendpost_prefect_worker_online", GAUGE, FLAG, WORKER(online), .help = "Whether the worker is online; it leaves an hour after it was last heard."},
    {"sendpost_prefect_worker_last_heartbeat_timestamp_seconds", GAUGE, SECONDS, WORKER(heard_at), .help = "When it was last heard."},
    /* definitions */
    {"sendpost_definitions_loaded", GAUGE, WHOLE, AGENT(loaded), .help = "Files whose definition is in force."},
    {"sendpost_definitions_broken", GAUGE, WHOLE, AGENT(broken), .help = "Files with errors."},
    {"sendpost_definition_error", GAUGE, FLAG, AT(SCOPE_FILE, FileItem, broken),
     .help = "Whether the file has errors."},
    {"sendpost_definitions_last_reload_successful", GAUGE, FLAG, AGENT(last_reload_successful),
     .help = "Whether the directory could be read and no file has errors."},
    {"sendpost_definitions_last_reload_success_timestamp_seconds", GAUGE, SECONDS, AGENT(last_reload_success_at),
     .help = "When that was last so; 0: never."},
    {"sendpost_definitions_revision_info", INFO("applied, attempted"), AGENT(revision_info),
     .help = "The revision in force, and the one last looked at."},
    /* journal */
    {"sendpost_journal_writable", GAUGE, FLAG, AGENT(journal_writable), .help = "Whether the last commit worked."},
    {"sendpost_journal_size_bytes", GAUGE, WHOLE, AGENT(journal_size_bytes), .help = "Size of the journal."},
    {"sendpost_journal_quarantined_timestamp_seconds", GAUGE, SECONDS, AGENT(journal.quarantined_at),
     .help = "When the newest damaged journal beside this one was moved aside, 0 without one."},
    {"sendpost_journal_last_backup_timestamp_seconds", GAUGE, SECONDS, AGENT(journal.backed_up_at),
     .help = "When the newest backup that was taken as a whole was made, 0 without one."},
    {"sendpost_journal_commits_total", COUNTER, WHOLE, AGENT(journal.commits), .help = "Transactions committed."},
    {"sendpost_journal_commit_duration_seconds", HISTOGRAM, AGENT(journal.commit_duration_counts),
     SUM(AgentItem, journal.commit_duration_sum), WITHIN(journal_commit_bounds, 10), .help = "Duration of commits."},
    /* itself */
    {"sendpost_http_requests_total", COUNTER, HANDLER(requests), .form = FORM_COUNTS, .label = "code", .numbers = http_codes,
     .count = HTTP_CODES, .help = "HTTP requests answered."},
    {"sendpost_http_request_duration_seconds", HISTOGRAM, HANDLER(duration_counts), SUM(HandlerItem, duration_sum),
     WITHIN(http_duration_bounds, HTTP_DURATION_BUCKETS),
     .help = "From the headers of an HTTP request to the end of its answer."},
    {"sendpost_http_requests_in_flight", GAUGE, WHOLE, AGENT(http_in_flight), .help = "HTTP requests under way."},
    {"sendpost_event_streams", GAUGE, WHOLE, AGENT(event_streams), .help = "Streams of events that are open."},
    {"sendpost_event_streams_dropped_total", COUNTER, WHOLE, AGENT(event_streams_dropped),
     .help = "Streams of events that were cut off, as their clients did not read."},
    {"sendpost_tokens_loaded", GAUGE, WHOLE, AGENT(tokens), .help = "Tokens of http.tokens_file that are in force; 0 without one."},
    {"sendpost_tokens_last_reload_successful", GAUGE, FLAG, AGENT(tokens_reload_successful),
     .help = "Whether http.tokens_file could be read and has no errors; 1 without one."},
    {"sendpost_http_certificate_expiry_timestamp_seconds", GAUGE, SECONDS, AGENT(certificate_expires_at),
     .help = "When the certificate that listeners show ends to be valid; 0: they speak no TLS."},
    {"sendpost_http_certificate_last_reload_successful", GAUGE, FLAG, AGENT(certificate_good),
     .help = "Whether the certificate and key that the files hold are in use; 1 without TLS."},
    {"sendpost_http_tls_handshake_failures_total", COUNTER, WHOLE, AGENT(handshakes_failed),
     .help = "TLS connections that ended before their handshake."},
    {"sendpost_loop_lag_seconds", HISTOGRAM, AGENT(loop.lag_counts),
     SUM(AgentItem, loop.lag_sum), WITHIN(loop_lag_bounds, LOOP_LAG_BUCKETS),
     .help = "How late the loop handled what was due."},
    {"sendpost_log_messages_total", COUNTER, AGENT(log_messages), COUNTS("level", log_level_names, LOG_LEVELS),
     .help = "Log lines, also those that the level did not let through."},
    {"sendpost_build_info", INFO("version, commit"), AGENT(build_info), .help = "What this binary is."},
    {"sendpost_agent_info", INFO("namespace, external_url"), AGENT(agent_info), .help = "Which agent this is, and how people reach it."},
    {"process_cpu_seconds_total", COUNTER, SECONDS, AGENT(process.cpu_ms), .help = "Processor time used."},
    {"process_open_fds", GAUGE, WHOLE, AGENT(process.open_files), .help = "File descriptors open."},
    {"process_max_fds", GAUGE, WHOLE, AGENT(process.open_files_max), .help = "File descriptors allowed."},
    {"process_resident_memory_bytes", GAUGE, WHOLE, AGENT(process.resident_bytes), .help = "Resident memory."},
    {"process_virtual_memory_bytes", GAUGE, WHOLE, AGENT(process.virtual_bytes), .help = "Virtual memory."},
    {"process_start_time_seconds", GAUGE, SECONDS, AGENT(started_at), .help = "When the process started."},
    {"process_threads", GAUGE, WHOLE, AGENT(process.threads), .help = "Threads."},
};
/* clang-format on */
const size_t family_count = sizeof families / sizeof *families;

static bool ends_with(const Family *family, size_t length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);
    return length > suffix_length && memcmp(family->name + length - suffix_length, suffix, suffix_length) == 0;
}

size_t family_name_length(const Family *family, MetricsFormat format)
{
    size_t length = strlen(family->name);
    if (format == METRICS_TEXT) {
        return length;
    }
    const char *suffix = family->type == METRIC_COUNTER ? "_total" : family->type == METRIC_INFO ? "_info" : "";
    return ends_with(family, length, suffix) ? length - strlen(suffix) : length;
}

const char *family_unit(const Family *family)
{
    static const char *const units[] = {"_seconds", "_bytes"};
    size_t length = family_name_length(family, METRICS_OPENMETRICS);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ends_with(family, length, units[i])) {
            return units[i] + 1;
        }
    }
    return NULL;
}

bool family_shown(const Family *family, bool stage_state_set, bool histograms)
{
    bool is_stage_state_set = family->type == METRIC_STATESET && family->scope == SCOPE_STAGE;
    bool switched = family->scope == SCOPE_SENDPOST || family->scope == SCOPE_DEPLOYMENT;
    bool is_histogram = family->type == METRIC_HISTOGRAM && switched;
    return (!is_stage_state_set || stage_state_set) && (!is_histogram || histograms);
}

int family_positions(const Family *family)
{
    switch (family->form) {
    case FORM_STATES:
    case FORM_COUNTS:
        return family->count;
    case FORM_HISTOGRAM:
    case FORM_HISTOGRAM_MS:
        return family->count + 3; /* +Inf, _sum, _count */
    case FORM_SUMMARY_MS:
        return 2;
    default:
        return 1;
    }
}

bool family_has_line(const Family *family, int position)
{
    if (family->form == FORM_STATES) {
        return !family->only || family->only >> position & 1;
    }
    if (family->form == FORM_COUNTS) {
        return family->names ? family->names[position] != NULL : family->numbers[position] != 0;
    }
    return true;
}
