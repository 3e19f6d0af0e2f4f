/* SPDX-License-Identifier: Apache-2.0 */
/* A Prefect whose flow runs live on their own: they run, hang, crash, go on after a crash, are cancelled slowly or
 * never, deleted, started by others. */
#ifndef SIMULATION_PREFECT_H
#define SIMULATION_PREFECT_H

#include "world.h"

typedef struct SimulatedRun {
    FlowRun flow_run;
    int plan;  /* what becomes of it: see prefect.c */
    int steps; /* taken in it */
    bool deleted;
    bool foreign;           /* somebody else started it */
    bool wakes;             /* once it has crashed, it goes on all the same */
    bool missed;            /* a poll did not find it though it is there: once in its life */
    bool reported;          /* a report was complete */
    bool judged;            /* its attempt has ended, and that was checked */
    bool paused;            /* once in its life */
    bool completed_by_hand; /* after it had ended otherwise */
    int64_t created_boot, ended_boot, crashed_boot;
    int64_t cancelling_boot; /* for the first time */
    int64_t crashed_ms;      /* the longest that it was crashed in one go */
} SimulatedRun;

void prefect_release(World *world);
void prefect_process(World *world, const Request *request, Answer *answer);
HappeningKind prefect_answered(RequestKind kind); /* what the answer of such a request is */
void prefect_flow_run(World *world, int index);   /* TASK_FLOW_RUN: it moves on */
void prefect_settle(World *world); /* TASK_SETTLE: somebody brings what hangs to an end, once the faults are over */
void prefect_meddle(World *world); /* TASK_MEDDLE: somebody deletes, cancels, starts flow runs */
const SimulatedRun *prefect_find_key(const World *world, const char *key, size_t *count);
const SimulatedRun *prefect_find(const World *world, const char *id);

#endif
