/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets stand in sets of eight, chosen by a seeded hash of the address: finding and replacing look at one set only.
 * Levels are kept in thousandths of a request, so that slow rates fill steadily. */
#include "api/rate_limit.h"
#include "base/limits.h"
#include "base/memory.h"

enum { WAYS = 8, SETS = RATE_LIMIT_CLIENTS / WAYS, WHOLE = 1000 };

typedef struct Bucket {
    uint64_t address;
    int64_t level;   /* thousandths of a request */
    int64_t seen_at; /* boot ms */
    bool used;
} Bucket;

struct RateLimit {
    int64_t per_second, burst;
    uint64_t seed;
    Bucket buckets[SETS][WAYS];
};

RateLimit *rate_limit_new(int64_t requests_per_second, int64_t burst, uint64_t seed)
{
    if (requests_per_second <= 0) {
        return NULL;
    }
    RateLimit *limit = memory_new(sizeof *limit);
    limit->per_second = requests_per_second;
    limit->burst = burst > 0 ? burst : 1;
    limit->seed = seed;
    return limit;
}

void rate_limit_free(RateLimit *limit)
{
    free(limit);
}

static Bucket *set_of(RateLimit *limit, uint64_t address)
{
    uint64_t mixed = (address ^ limit->seed) * 0x9e3779b97f4a7c15u;
    return limit->buckets[(mixed >> 32) % SETS];
}

static Bucket *bucket_of(RateLimit *limit, uint64_t address, int64_t boot_ms)
{
    Bucket *set = set_of(limit, address), *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used && set[i].address == address) {
            return &set[i];
        }
        bool older = oldest->used && (!set[i].used || set[i].seen_at < oldest->seen_at);
        oldest = older ? &set[i] : oldest;
    }
    *oldest = (Bucket){.address = address, .level = limit->burst * WHOLE, .seen_at = boot_ms, .used = true};
    return oldest;
}

bool rate_limit_allow(RateLimit *limit, uint64_t address, int64_t boot_ms, int *retry_after_seconds)
{
    if (!limit) {
        return true;
    }
    Bucket *bucket = bucket_of(limit, address, boot_ms);
    int64_t full = limit->burst * WHOLE;
    int64_t passed_ms = boot_ms > bucket->seen_at ? boot_ms - bucket->seen_at : 0;
    int64_t missing_ms = (full - bucket->level) / limit->per_second + 1;
    bucket->level = passed_ms >= missing_ms ? full : bucket->level + passed_ms * limit->per_second;
    bucket->seen_at = boot_ms;
    if (bucket->level >= WHOLE) {
        bucket->level -= WHOLE;
        return true;
    }
    int64_t wait_ms = (WHOLE - bucket->level + limit->per_second - 1) / limit->per_second;
    *retry_after_seconds = (int)((wait_ms + 999) / 1000);
    return false;
}
