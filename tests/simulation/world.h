/* SPDX-License-Identifier: Apache-2.0 */
/* Everything outside of the engine: two clocks, a queue of what will happen, and a network between the engine and
 * Prefect (prefect.h) that loses, delays and repeats. All of it follows from one seed. */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include "engine/event.h"
#include "store.h"

typedef enum Task {
    TASK_PROCESS,  /* a request reaches Prefect */
    TASK_DELIVER,  /* an answer reaches the engine */
    TASK_FLOW_RUN, /* a flow run moves on */
    TASK_TRIGGER,
    TASK_VERB,
    TASK_CRASH,
    TASK_OUTAGE,
    TASK_JUMP,
    TASK_POLL,
    TASK_MEDDLE,
    TASK_SETTLE /* somebody brings what hangs to an end */
} Task;

/* An answer under way: owned copies. */
typedef struct Answer {
    HappeningKind kind;
    AnswerEvent event;
    char *run_id, *reference, *deployment_id, *message;
    char **absent;
} Answer;

typedef struct Entry {
    int64_t at; /* boot ms */
    uint64_t order;
    Task task;
    int index;      /* of a flow run */
    int generation; /* DELIVER: of the engine that asked */
    Request *request;
    Answer *answer;
} Entry;

typedef struct World {
    uint64_t random;
    Now now;
    Entry *queue; /* a heap by (at, order) */
    size_t queue_count, queue_capacity;
    uint64_t order;
    struct SimulatedRun *runs; /* see prefect.h */
    size_t run_count, run_capacity;
    int generation; /* of the engine; grows with each crash */
    int64_t outage_until;
    bool jumped; /* the wall clock was set: what is measured on it may be off */
    bool faults; /* off in the end, so that everything can come to rest */
    int renamed; /* how often deployments were created anew under another id */
    bool polling;
    const Store *store; /* for checks at the moment of creation */
} World;

void world_init(World *world, uint64_t seed, const Store *store);
void world_release(World *world);
uint64_t world_random(World *world, uint64_t below);
bool world_chance(World *world, int percent); /* only while faults are on */

void world_schedule(World *world, int64_t in_ms, Entry entry);
bool world_next(World *world, Entry *entry); /* takes the first and moves the clocks on to it */
void entry_release(Entry *entry);

void world_send(World *world, const Request *request); /* what the engine asked */
void world_process(World *world, Entry *entry);        /* TASK_PROCESS */

#endif
