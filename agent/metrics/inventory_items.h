/* SPDX-License-Identifier: Apache-2.0 */
/* Items of the inventory (items.h). Within metrics/ only. */
#ifndef SENDPOST_METRICS_INVENTORY_ITEMS_H
#define SENDPOST_METRICS_INVENTORY_ITEMS_H

#include "inventory/inventory.h"
#include "metrics/labels.h"

typedef struct InventoryItem {
    Text labels; /* none */
    uint64_t gaps;
    int64_t round_at, counted_to;
} InventoryItem;

/* What is known when all deployments have been read. */
typedef struct NumbersItem {
    Text labels; /* none */
    uint64_t deployments, paused, late;
} NumbersItem;

typedef struct DeploymentItem {
    Text labels;
    Text info; /* empty: the flow runs of no deployment */
    bool paused;
    uint64_t running;
    int64_t oldest_at;
    EndTotals totals;
} DeploymentItem;

typedef struct WorkPoolItem {
    Text labels, info;
    bool paused, ready;
    uint64_t active, workers_online;
    int64_t limit;
    int64_t heard_at;
} WorkPoolItem;

typedef struct WorkQueueItem {
    Text labels;
    bool paused;
    uint64_t active, late[LATE_CAUSES];
    int64_t limit, oldest_late_at, polled_at;
} WorkQueueItem;

typedef struct WorkerItem {
    Text labels;
    bool online;
    int64_t heard_at;
} WorkerItem;

#endif
