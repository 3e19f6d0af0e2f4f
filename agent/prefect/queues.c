/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/queues.h"

void queues_init(TaskQueues *queues)
{
    queues->count = 0;
    queues->taken = 0;
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

static Task *take_from(TaskQueues *queues, int priority, Task **link)
{
    Task *task = *link;
    *link = task->next;
    if (!task->next) {
        queues->queues[priority].end = link;
    }
    queues->count--;
    return task;
}

Task *queues_take(TaskQueues *queues)
{
    unsigned turn = ++queues->taken;
    bool fair = turn % FAIR_EVERY == 0 && !queues->queues[0].first;
    int from = fair ? (int)(turn / FAIR_EVERY % PRIORITIES) : 0;
    for (int i = 0; i < PRIORITIES; i++) {
        int priority = (from + i) % PRIORITIES;
        if (queues->queues[priority].first) {
            return take_from(queues, priority, &queues->queues[priority].first);
        }
    }
    return NULL;
}

Task *queues_take_kind(TaskQueues *queues, TaskKind kind)
{
    for (int i = 0; i < PRIORITIES; i++) {
        for (Task **link = &queues->queues[i].first; *link; link = &(*link)->next) {
            if ((*link)->kind == kind) {
                return take_from(queues, i, link);
            }
        }
    }
    return NULL;
}

bool queues_first_is(const TaskQueues *queues, TaskKind kind)
{
    for (int i = 0; i < PRIORITIES; i++) {
        if (queues->queues[i].first) {
            return queues->queues[i].first->kind == kind;
        }
    }
    return false;
}
