/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/queues.h"

void queues_init(TaskQueues *queues)
{
    queues->count = 0;
    for (int i = 0; i < PRIORITIES; i++) {
        queues->queues[i].first = NULL;
        queues->queues[i].end = &queues->queues[i].first;
    }
}

void queues_add(TaskQueues *queues, Task *task)
{
    int priority = task_priority(task);
    task->next = NULL;
    *queues->queues[priority].end = task;
    queues->queues[priority].end = &task->next;
    queues->count++;
}

void queues_add_first(TaskQueues *queues, Task *task)
{
    int priority = task_priority(task);
    task->next = queues->queues[priority].first;
    queues->queues[priority].first = task;
    if (!task->next) {
        queues->queues[priority].end = &task->next;
    }
    queues->count++;
}

Task *queues_take(TaskQueues *queues)
{
    for (int i = 0; i < PRIORITIES; i++) {
        Task *task = queues->queues[i].first;
        if (task) {
            queues->queues[i].first = task->next;
            if (!task->next) {
                queues->queues[i].end = &queues->queues[i].first;
            }
            queues->count--;
            return task;
        }
    }
    return NULL;
}
