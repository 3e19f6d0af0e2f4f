/* SPDX-License-Identifier: Apache-2.0 */
/* Which flow runs have ended since they were last looked at: each end once. Prefect lists them newest first; a pass
 * reads what has ended after the cursor, and counts as a whole, with the cursor, or not at all. What Prefect writes
 * late, or by a clock that is behind, is still found: each pass looks back over TAIL_OVERLAP_MS, and remembers by id
 * what it has counted there. The times are Prefect's; ours only keeps the cursor from running ahead with a clock of
 * Prefect's that is. The first pass counts nothing: it finds where to begin. */
#ifndef SENDPOST_INVENTORY_TAIL_H
#define SENDPOST_INVENTORY_TAIL_H

#include "base/map.h"
#include "inventory/ends.h"

enum {
    TAIL_OVERLAP_MS = 120000,
    TAIL_STRETCH_RUNS = 1000, /* of a pass, where Prefect lets us choose; one that has more is made shorter */
    TAIL_PAGES_MAX = 5,       /* of a list in another order */
    TAIL_STRETCH_MS = 1000,   /* the shortest, beyond the cursor */
    TAIL_RUNS_MAX = 20000,    /* of a pass */
    TAIL_PASS_PAGES_MAX = 200,
};

typedef enum TailStep {
    TAIL_NEXT_PAGE,
    TAIL_PROBE, /* is there a flow run number TAIL_STRETCH_RUNS? tail_probed takes the answer */
    TAIL_AGAIN, /* from the first page */
    TAIL_WHOLE, /* tail_change says what to write; then tail_commit or tail_drop */
} TailStep;

typedef struct Tail {
    bool begun;
    int64_t begin, cursor; /* wall ms: what had ended by `begin` does not count; all up to `cursor` has been counted */
    Map *seen;             /* SeenEnd by flow run: counted, and ended after cursor - TAIL_OVERLAP_MS */
    int64_t before;        /* what this pass reads up to; 0: all */
    int64_t stretch_ms;    /* that was short enough last */
    int64_t horizon;       /* the newest end that was ever seen */
    Map *passed;           /* of `runs`, by flow run */
    EndedRun **runs;       /* that this pass has found and that count */
    size_t count, capacity;
    int64_t newest, oldest; /* end in this pass; oldest of its last page */
    int pages;
    bool probing, probed;
    bool gap; /* there was more than a pass may hold: what is older is lost */
} Tail;

void tail_init(Tail *tail);
void tail_release(Tail *tail);
/* What was written before. */
void tail_restore(Tail *tail, int64_t begin, int64_t cursor);
void tail_restore_seen(Tail *tail, const char *id, int64_t ended_at);

/* Ends before this need not be listed. */
int64_t tail_after(const Tail *tail);
void tail_take(Tail *tail, const EndedRun *run);
/* A page is over. `full`: there may be more; `ordered`: by the time of the end; `bounded`: `before` can be asked for.
 */
TailStep tail_page(Tail *tail, bool full, bool ordered, bool bounded);
TailStep tail_probed(Tail *tail, bool found);

/* Where the tail stands when the pass is committed. */
typedef struct TailChange {
    int64_t begin, cursor;
    int64_t forgotten;     /* ends up to then need no longer be remembered */
    EndedRun *const *runs; /* all are to be remembered that are newer; they count unless it is the first pass */
    size_t count;
    bool counts, gap, behind; /* behind: more is known to have ended since */
} TailChange;

void tail_change(const Tail *tail, int64_t now_wall_ms, TailChange *change);
void tail_commit(Tail *tail, const TailChange *change);
void tail_drop(Tail *tail); /* forgets the pass */

#endif
