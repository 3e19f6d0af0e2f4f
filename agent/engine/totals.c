/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/totals.h"

const int duration_bucket_seconds[DURATION_BUCKETS] = {5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200};
const int start_delay_bucket_seconds[START_DELAY_BUCKETS] = {1,   5,    15,   30,   60,    120,  300,
                                                             600, 1800, 3600, 7200, 14400, 43200};

int histogram_add(uint64_t *counts, const int *bounds_seconds, int bounds, int64_t value_ms)
{
    int bucket = 0;
    while (bucket < bounds && value_ms > (int64_t)bounds_seconds[bucket] * 1000) {
        bucket++;
    }
    counts[bucket]++;
    return bucket;
}
