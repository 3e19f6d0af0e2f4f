/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, histograms and timestamps that continue over restarts: they are written in the transaction of what they
 * count. Times are wall ms, 0 = never; durations are ms. */
#ifndef SENDPOST_ENGINE_TOTALS_H
#define SENDPOST_ENGINE_TOTALS_H

#include "base/digest.h"
#include "base/uuid.h"
#include "engine/state.h"
#include <stdint.h>

enum { DURATION_BUCKETS = 12, START_DELAY_BUCKETS = 13 };
extern const int duration_bucket_seconds[DURATION_BUCKETS]; /* 5 15 30 60 120 300 600 1800 3600 7200 14400 43200 */
extern const int start_delay_bucket_seconds[START_DELAY_BUCKETS]; /* 1 and the same */

/* counts[i]: values within bucket i alone (not cumulated); the last one is +Inf. */
typedef struct DurationHistogram {
    uint64_t counts[DURATION_BUCKETS + 1];
    uint64_t count;
    int64_t sum_ms;
} DurationHistogram;

typedef struct StartDelayHistogram {
    uint64_t counts[START_DELAY_BUCKETS + 1];
    uint64_t count;
    int64_t sum_ms;
} StartDelayHistogram;

typedef struct SendpostTotals {
    int64_t first_seen_at;
    uint64_t runs[TRIGGERS];
    uint64_t failures[REASONS]; /* [REASON_NONE] stays 0 */
    uint64_t cancellations;
    uint64_t ticks[VERDICTS];
    uint64_t refused[REFUSALS];
    DurationHistogram duration;
    StartDelayHistogram start_delay;
    int64_t last_run_start_at, last_run_end_at, last_success_at, last_failure_at, last_tick_at;
    int64_t last_run_duration_ms;
    int64_t unmet_tick_at; /* the oldest since the last success, but for those while disabled */
    int64_t clock_resets;  /* how often ticks were counted anew, as the clock had been far ahead */
} SendpostTotals;

/* Since when a schedule counts. It is known by the digest of what it says: a changed one is another. */
typedef struct ScheduleMark {
    char digest[DIGEST_HEX_SIZE];
    int64_t since;
} ScheduleMark;

typedef struct StageTotals {
    uint64_t ended;
    int64_t duration_sum_ms;
    int64_t last_duration_ms, last_success_at, last_failure_at;
    uint64_t failures, retries;
    State last_state; /* shown when no run is active */
} StageTotals;

typedef struct AgentTotals {
    uint64_t flow_runs_created, flow_runs_adopted;
} AgentTotals;

/* The newest completed run of a bucket. Not durable: Prometheus keeps the ones that it has seen. */
typedef struct Exemplar {
    char run_id[UUID_SIZE]; /* empty: none */
    int64_t duration_ms, at;
} Exemplar;

/* Returns the bucket. */
int histogram_add(uint64_t *counts, const int *bounds_seconds, int bounds, int64_t value_ms);

#endif
