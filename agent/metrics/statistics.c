/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/statistics.h"

/* What the service objectives name must be a bound: 2 ms, 10 ms, 20 ms; 60 ms lies within 50 to 100. */
const double http_duration_bounds[HTTP_DURATION_BUCKETS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};
const double loop_lag_bounds[LOOP_LAG_BUCKETS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};
const int http_codes[HTTP_CODES] = {101, 200, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409,
                                    413, 414, 415, 422, 426, 429, 431, 500, 502, 503, 505};

static int bucket_of(const double *bounds, int count, double value)
{
    int bucket = 0;
    while (bucket < count && value > bounds[bucket]) {
        bucket++;
    }
    return bucket;
}

static int code_index(int code)
{
    int index = 0;
    while (http_codes[index] && http_codes[index] != code) {
        index++;
    }
    if (http_codes[index]) {
        return index;
    }
    /* One that nobody foresaw counts as the plainest of its class. */
    return code_index(code < 400 ? 200 : code < 500 ? 400 : 500);
}

void http_statistics_add(HttpStatistics *statistics, int handler, int code, double seconds)
{
    if (handler < 0 || handler >= HTTP_HANDLERS_MAX) {
        return;
    }
    statistics->requests[handler][code_index(code)]++;
    statistics->duration_counts[handler][bucket_of(http_duration_bounds, HTTP_DURATION_BUCKETS, seconds)]++;
    statistics->duration_sums[handler] += seconds;
}

void loop_statistics_add(LoopStatistics *statistics, double lag_seconds)
{
    statistics->lag_counts[bucket_of(loop_lag_bounds, LOOP_LAG_BUCKETS, lag_seconds)]++;
    statistics->lag_sum += lag_seconds;
}
