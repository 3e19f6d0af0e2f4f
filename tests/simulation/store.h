/* SPDX-License-Identifier: Apache-2.0 */
/* A journal in memory: what was committed, and nothing else, survives a crash. It refuses what a journal must never
 * see: a change of what has ended, another intent in the place of one that may have been sent, an attempt that must not
 * begin. */
#ifndef SIMULATION_STORE_H
#define SIMULATION_STORE_H

#include "engine/engine.h"

typedef struct StoredRun {
    RunRecord record;
    StageRecord *stages; /* one for each node that was ever written; .attempts owned */
    size_t stage_count;
    Definition *definition;
} StoredRun;

typedef struct StoredKey {
    char *sendpost, *key, *digest;
    char run_id[UUID_SIZE];
} StoredKey;

/* The one sendpost of a life. */
typedef struct StoredSendpost {
    char *name;
    SendpostTotals totals;
    StageTotals *stages;
    char **paths;
    size_t stage_count;
    ScheduleMark *marks;
    size_t mark_count;
} StoredSendpost;

typedef struct Store {
    StoredRun *runs;
    size_t run_count, run_capacity;
    StoredKey *keys;
    size_t key_count, key_capacity;
    StoredSendpost sendpost;
    int64_t last_tick_at; /* ticks are judged in order, each once */
    uint64_t tick_count;
    AgentTotals totals;
    int64_t last_event_id;
} Store;

void store_release(Store *store);
/* Writes what is dirty and marks it clean. */
void store_write(Store *store, const Changes *changes, const AgentTotals *totals);
/* Fills a new engine with what was committed. */
void store_restore(const Store *store, Engine *engine);
StoredRun *store_find(Store *store, const char *run_id);
const StoredKey *store_find_key(const Store *store, const char *sendpost, const char *key);
/* The attempt with this idempotency key, or NULL. */
const AttemptRecord *store_find_attempt(const Store *store, const char *key, const StoredRun **run, int *node);

#endif
