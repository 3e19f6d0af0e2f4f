/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the inventory share; only inventory/ includes it. inventory.c: rounds and answers; questions.c:
 * what is asked, and what an answer changes; counting.c: what has ended, and what is to be written of it;
 * stock_items.c: the things of the stock. */
#ifndef SENDPOST_INVENTORY_INTERNAL_H
#define SENDPOST_INVENTORY_INTERNAL_H

#include "base/json_writer.h"
#include "inventory/inventory.h"

/* In the order in which a round asks them. */
typedef enum Question {
    ASK_ENDED,
    ASK_NEVER_RAN_COUNT,
    ASK_NEVER_RAN,
    ASK_ACTIVE,
    ASK_LATE_COUNT,
    ASK_LATE,
    ASK_DEPLOYMENT_COUNT,
    ASK_PAUSED_COUNT,
    ASK_FLOWS,
    ASK_DEPLOYMENTS,
    ASK_POOLS,
    ASK_QUEUES,
    ASK_WORKERS,
    QUESTIONS
} Question;

/* The totals of a deployment. */
typedef struct Counted {
    EndTotals totals;
    int absent; /* how often in a row it was not listed */
} Counted;

struct Inventory {
    int64_t interval_ms;
    char **globs;
    size_t glob_count;
    Tail tails[TAILS];
    Map *counted; /* by deployment id, "": of none */
    Stock stock;
    uint64_t version; /* of all that is shown but round_at */
    /* the round */
    Question question; /* QUESTIONS: none is under way */
    bool asking;
    int64_t due;                                      /* boot ms, as all here */
    int64_t round_at;                                 /* wall ms */
    int requests[QUESTIONS];                          /* in this round */
    int limits[QUESTIONS], offsets[QUESTIONS], items; /* of the page: asked for, where, so far */
    bool refused[QUESTIONS];
    bool old; /* Prefect 2: does not filter by the end */
    /* what numbers say */
    int64_t numbers[QUESTIONS];
    int64_t never_ran, late_read; /* when they were read; -1: not yet */
    int64_t late_due, deployments_due, deployments_read, pools_due, queues_due;
    bool deployments_changed, flows_read;
    size_t next_pool;
    Buffer body;
    char *path;
    /* to be written */
    bool changed;
    InventoryChange change;
    CountedTotals *totals;
    char **gone;
    size_t gone_count, gone_capacity;
    uint64_t gaps;
};

/* questions.c */
bool question_due(const Inventory *inventory, Question question, Now now);
const char *question_path(Inventory *inventory, Question question);
bool question_lists(Question question);
void question_write(const Inventory *inventory, Question question, JsonWriter *writer);
bool question_take(Inventory *inventory, Question question, const Json *item);
void question_number(Inventory *inventory, Question question, int64_t number);
/* A page of `items` is over. True: the same question follows. */
bool question_page(Inventory *inventory, Question question, int items, Now now);
/* What was read of it does not count. */
void question_drop(Inventory *inventory, Question question);
/* The same, and it is not asked again soon. */
void question_put_off(Inventory *inventory, Question question, Now now);

/* counting.c */
/* A page of what has ended, of `items`, is over. True: the same question follows. */
bool counting_page(Inventory *inventory, InventoryTail tail, int items, Now now);
void counting_deployments(Inventory *inventory); /* they have been listed: those that are gone are forgotten */
void counting_free(Inventory *inventory);

/* stock_items.c */
bool stock_item_read(Stock *stock, StockList list, const Json *item); /* into what is being read */
void stock_items_add(StockItems *items, void *item);
void stock_item_free(StockList list, void *item);

#endif
