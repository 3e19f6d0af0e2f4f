/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/poller.h"
#include "base/assert.h"

void poller_init(Poller *poller, int64_t min_ms, int64_t max_ms)
{
    *poller = (Poller){.min_ms = min_ms, .max_ms = max_ms > min_ms ? max_ms : min_ms, .interval_ms = min_ms};
}

bool poller_is_due(const Poller *poller, int64_t now)
{
    return poller->outstanding == 0 && now >= poller->due;
}

void poller_hurry(Poller *poller, int64_t now)
{
    poller->eager = true;
    poller->interval_ms = poller->min_ms;
    if (poller->due > now + poller->min_ms) {
        poller->due = now + poller->min_ms;
    }
}

void poller_begin(Poller *poller, size_t batches)
{
    invariant(poller->outstanding == 0 && batches > 0);
    poller->outstanding = batches;
    poller->seen = 0;
    poller->eager = false;
}

void poller_saw(Poller *poller, const char *flow_run_id, int64_t state_timestamp, int type)
{
    uint64_t hash = 0xCBF29CE484222325u ^ (uint64_t)state_timestamp;
    for (; *flow_run_id; flow_run_id++) {
        hash = (hash ^ (unsigned char)*flow_run_id) * 0x100000001B3u;
    }
    poller->seen += (hash ^ (uint64_t)type) * 0x9E3779B97F4A7C15u; /* a sum: the order of the batches does not matter */
}

void poller_batch_done(Poller *poller, int64_t now, uint64_t random)
{
    invariant(poller->outstanding > 0);
    if (--poller->outstanding > 0) {
        return;
    }
    bool changed = poller->seen != poller->before;
    poller->before = poller->seen;
    int64_t longer = poller->interval_ms + poller->interval_ms / 2;
    poller->interval_ms = changed || poller->eager ? poller->min_ms : longer < poller->max_ms ? longer : poller->max_ms;
    /* A tenth of jitter either way: agents that started together drift apart. */
    int64_t tenth = poller->interval_ms / 10;
    poller->due = now + poller->interval_ms - tenth + (int64_t)(random % (uint64_t)(2 * tenth + 1));
}
