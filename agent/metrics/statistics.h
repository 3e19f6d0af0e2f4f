/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server and the loop count for the metrics. They start at 0 with the process. */
#ifndef SENDPOST_METRICS_STATISTICS_H
#define SENDPOST_METRICS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HANDLERS_MAX = 48, HTTP_CODES = 24, HTTP_DURATION_BUCKETS = 10, LOOP_LAG_BUCKETS = 10 };

extern const double http_duration_bounds[HTTP_DURATION_BUCKETS]; /* seconds */
extern const double loop_lag_bounds[LOOP_LAG_BUCKETS];
extern const int http_codes[HTTP_CODES]; /* those that the API can answer; 0 ends the list */

typedef struct HttpStatistics {
    const char *handlers[HTTP_HANDLERS_MAX]; /* route names, from the route table; NULL ends them */
    uint64_t requests[HTTP_HANDLERS_MAX][HTTP_CODES];
    uint64_t duration_counts[HTTP_HANDLERS_MAX][HTTP_DURATION_BUCKETS + 1];
    double duration_sums[HTTP_HANDLERS_MAX];
    int in_flight;
    uint64_t event_streams, event_streams_dropped;
    int64_t certificate_expires_at; /* wall ms; 0: no TLS */
    bool certificate_broken;        /* what its files hold cannot be used */
    uint64_t handshakes_failed;
} HttpStatistics;

void http_statistics_add(HttpStatistics *statistics, int handler, int code, double seconds);

typedef struct LoopStatistics {
    uint64_t lag_counts[LOOP_LAG_BUCKETS + 1];
    double lag_sum;
} LoopStatistics;

void loop_statistics_add(LoopStatistics *statistics, double lag_seconds);

#endif
