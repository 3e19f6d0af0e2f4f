/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of runs by when time alone makes something due to them. Each run knows its place (Run.timer). */
#ifndef SENDPOST_ENGINE_TIMERS_H
#define SENDPOST_ENGINE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct Run;

typedef struct Timers {
    struct Run **heap;
    size_t count, capacity;
} Timers;

void timers_release(Timers *timers);
void timers_add(Timers *timers, struct Run *run);
void timers_remove(Timers *timers, struct Run *run);
void timers_moved(Timers *timers, struct Run *run); /* its due has changed */
struct Run *timers_first(const Timers *timers);     /* NULL when empty */

#endif
