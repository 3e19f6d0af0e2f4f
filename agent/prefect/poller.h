/* SPDX-License-Identifier: Apache-2.0 */
/* When to poll: often while something changes, seldom when all is quiet. Pure. */
#ifndef SENDPOST_PREFECT_POLLER_H
#define SENDPOST_PREFECT_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Poller {
    int64_t min_ms, max_ms;
    int64_t interval_ms;
    int64_t due;           /* boot ms of the next poll */
    size_t outstanding;    /* batches of the one under way */
    bool eager;            /* asked for while one was under way */
    uint64_t seen, before; /* sums over all flow runs and their states: of this poll, of the last one */
} Poller;

void poller_init(Poller *poller, int64_t min_ms, int64_t max_ms);
/* Whether to begin one now with so many batches. */
bool poller_is_due(const Poller *poller, int64_t now);
/* Something is about to change: poll at the least interval from now on. */
void poller_hurry(Poller *poller, int64_t now);
void poller_begin(Poller *poller, size_t batches);
/* A flow run with its state, in a batch of this poll. */
void poller_saw(Poller *poller, const char *flow_run_id, int64_t state_timestamp, int type);
/* A batch is done; with the last one the next poll's time is set. random: any number. */
void poller_batch_done(Poller *poller, int64_t now, uint64_t random);

#endif
