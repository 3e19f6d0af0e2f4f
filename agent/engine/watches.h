/* SPDX-License-Identifier: Apache-2.0 */
/* Which flow runs are followed, and for which stages: one flow run may be observed by several sendposts. */
#ifndef SENDPOST_ENGINE_WATCHES_H
#define SENDPOST_ENGINE_WATCHES_H

#include "base/map.h"

struct Run;

typedef struct Watcher {
    struct Run *run;
    int node;
} Watcher;

typedef struct Watch {
    char *flow_run_id;
    Watcher *watchers;
    size_t count, capacity;
} Watch;

typedef struct Watches {
    Map *by_id;
} Watches;

void watches_init(Watches *watches, uint64_t seed);
void watches_release(Watches *watches);
void watches_add(Watches *watches, const char *flow_run_id, struct Run *run, int node); /* once, however often called */
void watches_remove(Watches *watches, const char *flow_run_id, const struct Run *run, int node);
const Watch *watches_find(const Watches *watches, const char *flow_run_id);

#endif
