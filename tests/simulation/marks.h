/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of schedules, as a journal keeps them. */
#ifndef SIMULATION_MARKS_H
#define SIMULATION_MARKS_H

#include "base/memory.h"
#include "engine/engine.h"

/* New memory. */
static inline ScheduleMark *marks_copy(const ScheduleMark *marks, size_t count)
{
    ScheduleMark *copy = memory_new(count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = marks[i];
    }
    return copy;
}

/* Its marks are new memory. */
static inline SendpostHistory history_copy(const SendpostHistory *history)
{
    SendpostHistory copy = *history;
    copy.marks = marks_copy(history->marks, history->mark_count);
    return copy;
}

#endif
