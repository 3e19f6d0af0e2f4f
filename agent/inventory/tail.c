/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/tail.h"
#include "base/memory.h"
#include "base/text.h"

typedef struct SeenEnd {
    int64_t ended_at;
} SeenEnd;

void tail_init(Tail *tail)
{
    *tail = (Tail){.seen = map_new(1), .passed = map_new(1)};
}

static void seen_free(Map *seen)
{
    void *end;
    for (size_t at = 0; map_each(seen, &at, NULL, &end);) {
        free(end);
    }
    map_free(seen);
}

void tail_drop(Tail *tail)
{
    for (size_t i = 0; i < tail->count; i++) {
        free(tail->runs[i]);
    }
    tail->count = 0;
    map_free(tail->passed);
    tail->passed = map_new(1);
    tail->before = 0;
    tail->newest = tail->oldest = 0;
    tail->pages = 0;
    tail->probing = tail->probed = tail->gap = false;
}

void tail_release(Tail *tail)
{
    tail_drop(tail);
    map_free(tail->passed);
    seen_free(tail->seen);
    free(tail->runs);
    *tail = (Tail){0};
}

void tail_restore(Tail *tail, int64_t begin, int64_t cursor)
{
    tail->begun = true;
    tail->begin = begin;
    tail->cursor = cursor;
}

void tail_restore_seen(Tail *tail, const char *id, int64_t ended_at)
{
    SeenEnd *end = memory_new(sizeof *end);
    end->ended_at = ended_at;
    free(map_put(tail->seen, id, end));
}

int64_t tail_after(const Tail *tail)
{
    return tail->cursor > TAIL_OVERLAP_MS ? tail->cursor - TAIL_OVERLAP_MS : 0;
}

/* A flow run that was run again and has ended again counts again: its end is another one. What never ran has its last
 * state's time instead of an end, and changes of that are none. */
static bool is_new(const Tail *tail, const EndedRun *run)
{
    const SeenEnd *seen = map_find(tail->seen, run->id);
    bool again = seen && run->duration_ms >= 0 && run->ended_at > seen->ended_at;
    return (!seen || again) && !map_find(tail->passed, run->id);
}

void tail_take(Tail *tail, const EndedRun *run)
{
    tail->newest = run->ended_at > tail->newest ? run->ended_at : tail->newest;
    tail->horizon = run->ended_at > tail->horizon ? run->ended_at : tail->horizon;
    tail->oldest = run->ended_at;
    bool counts = !tail->begun || (run->ended_at > tail->begin && run->ended_at > tail_after(tail));
    if (!counts || !is_new(tail, run) || tail->count == TAIL_RUNS_MAX) {
        return;
    }
    EndedRun *copy = memory_new(sizeof *copy);
    *copy = *run;
    array_push(tail->runs, tail->count, tail->capacity) = copy;
    map_put(tail->passed, copy->id, copy);
}

/* Half as much of what is new, from the cursor on. */
static bool make_shorter(Tail *tail)
{
    int64_t end = tail->before ? tail->before : tail->horizon;
    int64_t length = (end - tail->cursor) / 2;
    if (length < TAIL_STRETCH_MS) {
        return false;
    }
    tail_drop(tail);
    tail->stretch_ms = length;
    tail->before = tail->cursor + length;
    return true;
}

TailStep tail_probed(Tail *tail, bool found)
{
    tail->probing = found && make_shorter(tail);
    if (tail->probing) {
        return TAIL_PROBE;
    }
    tail->probed = true;
    return tail->pages ? TAIL_NEXT_PAGE : TAIL_AGAIN;
}

TailStep tail_page(Tail *tail, bool full, bool ordered, bool bounded)
{
    tail->pages++;
    bool reached = ordered && (!tail->begun || tail->oldest < tail_after(tail));
    if (!full || reached) {
        return TAIL_WHOLE;
    }
    if (!ordered) {
        return tail->pages < TAIL_PAGES_MAX ? TAIL_NEXT_PAGE : TAIL_WHOLE;
    }
    tail->probing = bounded && !tail->probed;
    tail->gap = tail->count == TAIL_RUNS_MAX || tail->pages == TAIL_PASS_PAGES_MAX;
    return tail->probing ? TAIL_PROBE : tail->gap ? TAIL_WHOLE : TAIL_NEXT_PAGE;
}

/* What was read up to a bound has been read whole; else up to the newest, but no further than it can be now. */
static int64_t cursor_reached(const Tail *tail, int64_t now_wall_ms)
{
    int64_t reached = tail->before ? tail->before : tail->newest < now_wall_ms ? tail->newest : now_wall_ms;
    return reached > tail->cursor ? reached : tail->cursor;
}

void tail_change(const Tail *tail, int64_t now_wall_ms, TailChange *change)
{
    int64_t cursor = cursor_reached(tail, now_wall_ms);
    *change = (TailChange){
        .begin = tail->begun ? tail->begin : cursor,
        .cursor = cursor,
        .forgotten = cursor - TAIL_OVERLAP_MS,
        .runs = tail->runs,
        .count = tail->count,
        .counts = tail->begun,
        .gap = tail->gap,
        .behind = tail->before != 0,
    };
}

/* While far behind: twice as much as was read last. Never further than what is known to have ended: the cursor goes to
 * its end, and what ends later must lie beyond. */
static void begin_stretch(Tail *tail)
{
    int64_t end = tail->cursor + 2 * tail->stretch_ms;
    tail->before = end < tail->horizon ? end : 0;
}

void tail_commit(Tail *tail, const TailChange *change)
{
    Map *before = tail->seen;
    const char *id;
    void *value;
    tail_restore(tail, change->begin, change->cursor);
    tail->seen = map_new(1);
    for (size_t at = 0; map_each(before, &at, &id, &value);) {
        const SeenEnd *end = value;
        if (end->ended_at > change->forgotten) {
            tail_restore_seen(tail, id, end->ended_at);
        }
    }
    for (size_t i = 0; i < change->count; i++) {
        if (change->runs[i]->ended_at > change->forgotten) {
            tail_restore_seen(tail, change->runs[i]->id, change->runs[i]->ended_at);
        }
    }
    seen_free(before);
    tail_drop(tail);
    if (change->behind) {
        begin_stretch(tail);
    }
}
