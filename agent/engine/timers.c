/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/timers.h"
#include "base/assert.h"
#include "base/memory.h"
#include "engine/engine.h"

static void place(Timers *timers, size_t at, Run *run)
{
    timers->heap[at] = run;
    run->timer = at;
}

static void sift_up(Timers *timers, size_t at)
{
    Run *run = timers->heap[at];
    while (at > 0 && timers->heap[(at - 1) / 2]->due > run->due) {
        place(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(timers, at, run);
}

static void sift_down(Timers *timers, size_t at)
{
    Run *run = timers->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due) {
            child++;
        }
        if (timers->heap[child]->due >= run->due) {
            break;
        }
        place(timers, at, timers->heap[child]);
        at = child;
    }
    place(timers, at, run);
}

void timers_release(Timers *timers)
{
    free(timers->heap);
    *timers = (Timers){0};
}

void timers_add(Timers *timers, Run *run)
{
    array_push(timers->heap, timers->count, timers->capacity) = run;
    sift_up(timers, timers->count - 1);
}

void timers_remove(Timers *timers, Run *run)
{
    size_t at = run->timer;
    invariant(at < timers->count && timers->heap[at] == run);
    timers->count--;
    if (at < timers->count) {
        place(timers, at, timers->heap[timers->count]);
        timers_moved(timers, timers->heap[at]);
    }
}

void timers_moved(Timers *timers, Run *run)
{
    invariant(run->timer < timers->count && timers->heap[run->timer] == run);
    sift_up(timers, run->timer);
    sift_down(timers, run->timer);
}

Run *timers_first(const Timers *timers)
{
    return timers->count ? timers->heap[0] : NULL;
}
