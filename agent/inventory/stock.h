/* SPDX-License-Identifier: Apache-2.0 */
/* What there is in Prefect: deployments, work pools, work queues, workers, and how many flow runs each has under way or
 * late. A list is read item by item and shown only when it is whole: until then the one before is. What is shown is in
 * the order of the keys, of which no two are alike. */
#ifndef SENDPOST_INVENTORY_STOCK_H
#define SENDPOST_INVENTORY_STOCK_H

#include "base/json.h"
#include "inventory/tally.h"

typedef struct ListedDeployment {
    char *key;
    char *id, *name;     /* flow/deployment */
    char *pool, *queue;  /* NULL: none */
    bool paused, served; /* served: somebody polls for it, or its pool has a worker */
    bool wanted;         /* it is to be shown */
} ListedDeployment;

typedef struct WorkPool {
    char *key;
    char *name, *type;
    bool paused, ready;
    bool takes_workers; /* push and managed pools, and those of agents, have none */
    int64_t limit;      /* flow runs at a time; -1: none */
} WorkPool;

typedef struct WorkQueue {
    char *key;
    char *id, *name, *pool; /* pool "": none */
    bool paused;
    int64_t limit;
    int64_t polled_at; /* wall ms; 0: never */
} WorkQueue;

typedef struct Worker {
    char *key;
    char *pool, *name;
    bool online;
    int64_t heard_at;
} Worker;

/* Why flow runs of a queue are late. */
typedef enum LateCause { LATE_NO_WORKER, LATE_SLOTS_FULL, LATE_PAUSED, LATE_OTHER, LATE_CAUSES } LateCause;
extern const char *const late_cause_names[LATE_CAUSES];

typedef enum StockList {
    STOCK_DEPLOYMENTS,
    STOCK_POOLS,
    STOCK_QUEUES,
    STOCK_WORKERS, /* of one pool at a time */
    STOCK_ACTIVE,  /* flow runs that hold a slot */
    STOCK_LATE,
    STOCK_FLOWS, /* names, for those of deployments */
    STOCK_LISTS
} StockList;

typedef struct StockItems {
    void **items; /* owned; each begins with its key */
    size_t count, capacity;
} StockItems;

/* Flow runs, of deployments and queues by id, of pools by name. */
typedef struct StockRuns {
    Map *running_of_deployment;
    Map *active_of_queue, *active_of_pool;
    Map *late_of_queue, *unserved_of_queue;
} StockRuns;

typedef struct Stock {
    StockItems shown[STOCK_LISTS], reading[STOCK_LISTS];
    Map *deployments, *pools; /* shown: by id, by name */
    Map *flows;               /* names by id; read for the deployments */
    Map *read_ids;            /* of the list that is being read */
    StockRuns runs, reading_runs;
    char *worker_pool;       /* whose workers are being read */
    bool whole[STOCK_LISTS]; /* was read at least once */
    bool stranger;           /* a flow run of a deployment that is not listed */
} Stock;

void stock_init(Stock *stock);
void stock_release(Stock *stock);

/* One item of a list. False: it makes no sense. */
bool stock_take(Stock *stock, StockList list, const Json *item);
void stock_end(Stock *stock, StockList list);  /* the list is whole: it is shown from now on */
void stock_drop(Stock *stock, StockList list); /* it is not */
/* Whose workers are read next. */
void stock_read_workers(Stock *stock, const char *pool);

const ListedDeployment *stock_deployment(const Stock *stock, const char *id); /* NULL: not listed */
const WorkPool *stock_pool(const Stock *stock, const char *name);
/* Why what is late in this queue is; NULL: in none. */
LateCause stock_late_cause(const Stock *stock, const WorkQueue *queue);

#endif
