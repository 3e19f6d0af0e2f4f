/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/watches.h"
#include "base/memory.h"

static void watch_free(Watch *watch)
{
    free(watch->flow_run_id);
    free(watch->watchers);
    free(watch);
}

void watches_init(Watches *watches, uint64_t seed)
{
    watches->by_id = map_new(seed);
}

void watches_release(Watches *watches)
{
    const char *key;
    void *watch;
    for (size_t at = 0; watches->by_id && map_each(watches->by_id, &at, &key, &watch);) {
        watch_free(watch);
    }
    map_free(watches->by_id);
    watches->by_id = NULL;
}

static size_t watcher_index(const Watch *watch, const struct Run *run, int node)
{
    size_t i = 0;
    while (i < watch->count && (watch->watchers[i].run != run || watch->watchers[i].node != node)) {
        i++;
    }
    return i;
}

void watches_add(Watches *watches, const char *flow_run_id, struct Run *run, int node)
{
    Watch *watch = map_find(watches->by_id, flow_run_id);
    if (!watch) {
        watch = memory_new(sizeof *watch);
        watch->flow_run_id = text_copy(flow_run_id);
        map_put(watches->by_id, flow_run_id, watch);
    }
    if (watcher_index(watch, run, node) == watch->count) {
        array_push(watch->watchers, watch->count, watch->capacity) = (Watcher){run, node};
    }
}

void watches_remove(Watches *watches, const char *flow_run_id, const struct Run *run, int node)
{
    Watch *watch = map_find(watches->by_id, flow_run_id);
    if (!watch) {
        return;
    }
    size_t i = watcher_index(watch, run, node);
    if (i < watch->count) {
        watch->watchers[i] = watch->watchers[--watch->count];
    }
    if (watch->count == 0) {
        map_remove(watches->by_id, flow_run_id);
        watch_free(watch);
    }
}

const Watch *watches_find(const Watches *watches, const char *flow_run_id)
{
    return map_find(watches->by_id, flow_run_id);
}
