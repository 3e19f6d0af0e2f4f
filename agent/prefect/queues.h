/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that wait to leave, by urgency: what decides something before what explains something before what only looks.
 * But each FAIR_EVERY-th place goes to the queues in turn: thousands of creations must not stop the polls. */
#ifndef SENDPOST_PREFECT_QUEUES_H
#define SENDPOST_PREFECT_QUEUES_H

#include "prefect/task.h"

enum { FAIR_EVERY = 8 };

typedef struct TaskQueues {
    struct {
        Task *first, **end;
    } queues[PRIORITIES];
    size_t count; /* in all of them */
    unsigned taken;
} TaskQueues;

void queues_init(TaskQueues *queues);
void queues_add(TaskQueues *queues, Task *task);       /* takes it */
void queues_add_first(TaskQueues *queues, Task *task); /* before its equals */
Task *queues_take(TaskQueues *queues);                 /* the one whose turn it is; NULL when there is none */
Task *queues_take_kind(TaskQueues *queues, TaskKind kind);
bool queues_first_is(const TaskQueues *queues, TaskKind kind); /* the most urgent one */

#endif
