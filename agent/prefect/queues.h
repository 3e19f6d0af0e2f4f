/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that wait to leave, by urgency: what decides something before what explains something before what only looks.
 */
#ifndef SENDPOST_PREFECT_QUEUES_H
#define SENDPOST_PREFECT_QUEUES_H

#include "prefect/task.h"

typedef struct TaskQueues {
    struct {
        Task *first, **end;
    } queues[PRIORITIES];
    size_t count; /* in all of them */
} TaskQueues;

void queues_init(TaskQueues *queues);
void queues_add(TaskQueues *queues, Task *task);       /* takes it */
void queues_add_first(TaskQueues *queues, Task *task); /* before its equals */
Task *queues_take(TaskQueues *queues);                 /* the most urgent; NULL when there is none */

#endif
