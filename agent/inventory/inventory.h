/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect as a whole, for the metrics: what there is, what runs and is late, and what has ended, counted once each.
 * Asks one question at a time, in rounds, a bounded number in each. Pure: the loop carries questions and answers, and
 * writes what is counted. */
#ifndef SENDPOST_INVENTORY_INVENTORY_H
#define SENDPOST_INVENTORY_INVENTORY_H

#include "base/error.h"
#include "inventory/stock.h"
#include "inventory/tail.h"
#include "time/instant.h"

typedef struct Inventory Inventory;

typedef struct InventoryOptions {
    int64_t interval_ms;
    const char *const *deployments; /* globs of flow/deployment that are shown; borrowed */
    size_t deployment_count;
} InventoryOptions;

Inventory *inventory_new(const InventoryOptions *options);
void inventory_free(Inventory *inventory); /* NULL is legal */

/* The flow runs that ran, and those that never did: Prefect may know no end of the latter. */
typedef enum InventoryTail { TAIL_RAN, TAIL_NEVER_RAN, TAILS } InventoryTail;
extern const char *const inventory_tail_names[TAILS];

/* What the journal had, before the first question. */
void inventory_restore(Inventory *inventory, InventoryTail tail, int64_t begin, int64_t cursor);
void inventory_restore_seen(Inventory *inventory, InventoryTail tail, const char *id, int64_t ended_at);
void inventory_restore_totals(Inventory *inventory, const char *deployment_id, const EndTotals *totals);

/* --- asking --- */

typedef struct InventoryQuestion {
    const char *path, *body; /* a POST; valid until the next question */
    bool lists;              /* the answer is a list: each item to inventory_item; else it is a number */
} InventoryQuestion;

/* The next question that is due. It must be answered before there is another. */
bool inventory_ask(Inventory *inventory, Now now, InventoryQuestion *question);
/* Boot ms by which inventory_ask must be called; TIME_NEVER while an answer is awaited. */
int64_t inventory_deadline(const Inventory *inventory);
/* False: it makes no sense. */
bool inventory_item(Inventory *inventory, const Json *item);

typedef struct InventoryAnswer {
    int status; /* HTTP; 0: none */
    bool whole; /* status 200, and all of it was understood */
    bool too_large;
    const Json *number;  /* to a question that does not list */
    const char *message; /* why, when it is not whole */
} InventoryAnswer;

/* False with an error: Prefect refused what it did not refuse before, or answered nonsense. */
bool inventory_answer(Inventory *inventory, const InventoryAnswer *answer, Now now, Error *error);

/* --- what is to be written --- */

typedef struct CountedTotals {
    const char *deployment_id;
    EndTotals totals;
} CountedTotals;

/* In one transaction, after which inventory_committed, or inventory_dropped: the pass is read again then. */
typedef struct InventoryChange {
    InventoryTail tail;
    TailChange change;
    const CountedTotals *totals; /* as they are with it */
    size_t total_count;
    char *const *gone; /* deployments that are no more: their totals are to be deleted */
    size_t gone_count;
} InventoryChange;

const InventoryChange *inventory_change(const Inventory *inventory); /* NULL: nothing */
void inventory_committed(Inventory *inventory);
void inventory_dropped(Inventory *inventory, Now now);

/* --- what is shown --- */

typedef struct InventoryView {
    const Stock *stock;
    int64_t round_at;   /* wall ms: when the last round had been answered, with nothing refused; 0: never */
    int64_t counted_to; /* wall ms: ends are counted up to there */
    uint64_t late;      /* flow runs */
    uint64_t gaps;      /* passes that could not hold all */
} InventoryView;

InventoryView inventory_view(const Inventory *inventory);
/* Grows when anything of the view may have changed, but round_at; never 0. */
uint64_t inventory_version(const Inventory *inventory);
/* By the globs. */
bool inventory_wants(const Inventory *inventory, const char *deployment_name);
EndTotals inventory_totals(const Inventory *inventory, const char *deployment_id);

#endif
