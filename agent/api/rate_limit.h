/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket for each client address. The table is bounded: a new address takes the place of one that was quiet for
 * longest among a few, and starts with a full bucket. */
#ifndef SENDPOST_API_RATE_LIMIT_H
#define SENDPOST_API_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RateLimit RateLimit;

/* NULL when requests_per_second is 0: no limit. */
RateLimit *rate_limit_new(int64_t requests_per_second, int64_t burst, uint64_t seed);
void rate_limit_free(RateLimit *limit);

/* Takes one request of this address; limit NULL allows all. False: too many, *retry_after_seconds (at least 1) says
 * when the next may come. */
bool rate_limit_allow(RateLimit *limit, uint64_t address, int64_t boot_ms, int *retry_after_seconds);

#endif
