/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a flow run, and what is counted of such ends. */
#ifndef SENDPOST_INVENTORY_ENDS_H
#define SENDPOST_INVENTORY_ENDS_H

#include "base/json.h"
#include "base/uuid.h"
#include <stdint.h>

typedef enum EndState { END_COMPLETED, END_FAILED, END_CRASHED, END_CANCELLED, END_STATES } EndState;
extern const char *const end_state_names[END_STATES]; /* as the metrics show them */
extern const char *const end_state_types[END_STATES]; /* as Prefect does */

typedef struct EndedRun {
    char id[UUID_SIZE];
    char deployment_id[UUID_SIZE]; /* "": none */
    EndState state;
    int64_t ended_at;    /* wall ms of Prefect */
    int64_t duration_ms; /* -1: it never ran */
} EndedRun;

enum { END_DURATION_BUCKETS = 8 };
extern const int end_duration_bucket_seconds[END_DURATION_BUCKETS];

/* Of one deployment. They continue over restarts. */
typedef struct EndTotals {
    uint64_t ended[END_STATES];
    uint64_t duration_counts[END_DURATION_BUCKETS + 1]; /* of completed runs; not cumulated */
    int64_t duration_sum_ms;
} EndTotals;

/* False: it is not a flow run that has ended. */
bool ended_run_read(const Json *flow_run, EndedRun *run);
void end_totals_count(EndTotals *totals, const EndedRun *run);

#endif
