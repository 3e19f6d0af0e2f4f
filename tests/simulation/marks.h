/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of schedules, as a journal keeps them. */
#ifndef SIMULATION_MARKS_H
#define SIMULATION_MARKS_H

#include "base/memory.h"
#include "engine/totals.h"

/* New memory. */
static inline ScheduleMark *marks_copy(const ScheduleMark *marks, size_t count)
{
    ScheduleMark *copy = memory_new(count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = marks[i];
    }
    return copy;
}

#endif
