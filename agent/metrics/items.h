/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of one owner (a sendpost, a file, the agent): for each scope some items, which live only while its lines
 * are written. Every item begins with its labels; the families say where in it their value lies. Within metrics/ only.
 */
#ifndef SENDPOST_METRICS_ITEMS_H
#define SENDPOST_METRICS_ITEMS_H

#include "base/log.h"
#include "metrics/exposition.h"
#include "metrics/inventory_items.h"
#include "metrics/labels.h"
#include "metrics/process.h"

/* What a family has one of each for. */
typedef enum Scope {
    SCOPE_AGENT,
    SCOPE_SENDPOST,
    SCOPE_LABEL,
    SCOPE_STAGE,
    SCOPE_ENDPOINT,
    SCOPE_FILE,
    SCOPE_HANDLER,
    SCOPE_INVENTORY, /* of these and below there is nothing unless the inventory is enabled */
    SCOPE_NUMBERS,
    SCOPE_DEPLOYMENT,
    SCOPE_WORK_POOL,
    SCOPE_WORK_QUEUE,
    SCOPE_WORKER,
    SCOPES
} Scope;

typedef struct SendpostItem {
    Text labels;
    Text info, last_failure, last_failure_run; /* further labels; empty: no series */
    bool enabled;
    State state;
    uint64_t active, queued;
    int64_t run_start_at, next_run_at, success_due_at;
    int64_t freshness_ms, deadline_ms, timeout_ms;
    SendpostTotals totals;
    Exemplar exemplars[DURATION_BUCKETS + 1];
} SendpostItem;

typedef struct StageItem {
    Text labels;
    Text info, reference_problem; /* the latter empty while there is none */
    State state;
    bool reference_ok;
    int64_t started_at, expected_ms;
    StageTotals totals;
} StageItem;

typedef struct LabelItem {
    Text labels;
} LabelItem;

typedef struct FileItem {
    Text labels;
    bool broken;
} FileItem;

typedef struct EndpointItem {
    Text labels;
    uint64_t requests, failures[CAUSES];
    uint64_t duration_counts[REQUEST_DURATION_BUCKETS + 1];
    double duration_sum;
} EndpointItem;

typedef struct HandlerItem {
    Text labels;
    uint64_t requests[HTTP_CODES];
    uint64_t duration_counts[HTTP_DURATION_BUCKETS + 1];
    double duration_sum;
} HandlerItem;

typedef struct AgentItem {
    Text labels; /* none */
    Text prefect_info, revision_info, build_info, agent_info;
    bool prefect_up, last_reload_successful, tokens_reload_successful, journal_writable, certificate_good;
    Circuit circuit;
    uint64_t prefect_in_flight, http_in_flight, event_streams, event_streams_dropped, watched, loaded, broken, tokens;
    uint64_t handshakes_failed;
    int64_t prefect_last_success_at, poll_interval_ms, last_reload_success_at, started_at, certificate_expires_at;
    uint64_t journal_size_bytes;
    uint64_t log_messages[LOG_LEVELS];
    AgentTotals totals;
    JournalStatistics journal;
    LoopStatistics loop;
    ProcessNumbers process;
} AgentItem;

typedef struct Items {
    const void *first;
    size_t size, count; /* of one; of them */
} Items;

typedef struct OwnerItems {
    Items of[SCOPES];
    Buffer texts; /* of all their labels */
} OwnerItems;

#endif
