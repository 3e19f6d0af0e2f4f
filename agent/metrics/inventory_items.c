/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/inventory_items.h"
#include "metrics/snapshot.h"

enum { WORKER_SHOWN_MS = 3600000 }; /* after it was heard last: many have another name each time they start */

static Text labelled(Buffer *texts, const char *const *names, const char *const *values, int count)
{
    size_t begin = texts->length;
    for (int i = 0; i < count; i++) {
        label_append(texts, begin, names[i], values[i]);
    }
    return text_since(texts, begin);
}

/* As the families show it: 0 is none. */
static uint64_t shown_limit(int64_t limit)
{
    return limit > 0 ? (uint64_t)limit : 0;
}

static const StockItems *list_of(const InventoryView *view, StockList list)
{
    return &view->stock->shown[list];
}

/* --- deployments --- */

static void take_deployment(Buffer *texts, const Inventory *inventory, const ListedDeployment *deployment,
                            DeploymentItem *item)
{
    static const char *const name[] = {"deployment"}, *const further[] = {"deployment_id", "work_pool", "work_queue"};
    const char *id = deployment ? deployment->id : "", *shown = deployment ? deployment->name : "";
    Tally running = tallies_find(inventory_view(inventory).stock->runs.running_of_deployment, id);
    *item = (DeploymentItem){
        .labels = labelled(texts, name, &shown, 1),
        .paused = deployment && deployment->paused,
        .running = running.count,
        .oldest_at = running.oldest_at,
        .totals = inventory_totals(inventory, id),
    };
    if (deployment) {
        const char *values[] = {id, deployment->pool, deployment->queue};
        item->info = labelled(texts, further, values, 3);
    }
}

static void take_deployments(Snapshot *snapshot, const Inventory *inventory, const InventoryView *view)
{
    const StockItems *deployments = list_of(view, STOCK_DEPLOYMENTS);
    DeploymentItem *first = snapshot_items(snapshot, SCOPE_DEPLOYMENT, sizeof *first, deployments->count + 1);
    DeploymentItem *item = first;
    for (size_t i = 0; i < deployments->count; i++) {
        const ListedDeployment *deployment = deployments->items[i];
        if (inventory_shows(inventory, deployment->name)) {
            take_deployment(&snapshot->texts, inventory, deployment, item++);
        }
    }
    if (inventory_shows(inventory, "")) {
        take_deployment(&snapshot->texts, inventory, NULL, item++);
    }
    snapshot->items[SCOPE_DEPLOYMENT].count = (size_t)(item - first);
}

/* --- work pools, queues, workers --- */

/* Each pool has its item already. */
static void add_workers(const InventoryView *view, const Map *items)
{
    const StockItems *workers = list_of(view, STOCK_WORKERS);
    for (size_t i = 0; i < workers->count; i++) {
        const Worker *worker = workers->items[i];
        WorkPoolItem *item = map_find(items, worker->pool);
        if (item) {
            item->workers_online += worker->online;
            item->heard_at = worker->heard_at > item->heard_at ? worker->heard_at : item->heard_at;
        }
    }
}

static void take_pools(Snapshot *snapshot, const InventoryView *view)
{
    static const char *const name[] = {"work_pool"}, *const type[] = {"type"};
    const StockItems *pools = list_of(view, STOCK_POOLS);
    WorkPoolItem *item = snapshot_items(snapshot, SCOPE_WORK_POOL, sizeof *item, pools->count);
    Map *items = map_new(1);
    for (size_t i = 0; i < pools->count; i++, item++) {
        const WorkPool *pool = pools->items[i];
        *item = (WorkPoolItem){
            .labels = labelled(&snapshot->texts, name, (const char *const *)&pool->name, 1),
            .info = labelled(&snapshot->texts, type, (const char *const *)&pool->type, 1),
            .paused = pool->paused,
            .ready = pool->ready,
            .active = tallies_find(view->stock->runs.active_of_pool, pool->name).count,
            .limit = shown_limit(pool->limit),
        };
        map_put(items, pool->name, item);
    }
    add_workers(view, items);
    map_free(items);
}

static void take_queue(Buffer *texts, const InventoryView *view, const WorkQueue *queue, WorkQueueItem *item)
{
    static const char *const names[] = {"work_pool", "work_queue"};
    const char *id = queue ? queue->id : "", *values[] = {queue ? queue->pool : "", queue ? queue->name : ""};
    const StockRuns *runs = &view->stock->runs;
    Tally late = tallies_find(runs->late_of_queue, id);
    *item = (WorkQueueItem){
        .labels = labelled(texts, names, values, 2),
        .paused = queue && queue->paused,
        .active = tallies_find(runs->active_of_queue, id).count,
        .limit = queue ? shown_limit(queue->limit) : 0,
        .oldest_late_at = late.oldest_at,
        .polled_at = queue ? queue->polled_at : 0,
    };
    item->late[stock_late_cause(view->stock, queue)] = late.count;
}

static void take_queues(Snapshot *snapshot, const InventoryView *view)
{
    const StockItems *queues = list_of(view, STOCK_QUEUES);
    WorkQueueItem *item = snapshot_items(snapshot, SCOPE_WORK_QUEUE, sizeof *item, queues->count + 1);
    for (size_t i = 0; i < queues->count; i++) {
        take_queue(&snapshot->texts, view, queues->items[i], item++);
    }
    take_queue(&snapshot->texts, view, NULL, item); /* of deployments that are in no queue */
}

static void take_workers(Snapshot *snapshot, const InventoryView *view, int64_t now_wall_ms)
{
    static const char *const names[] = {"work_pool", "worker"};
    const StockItems *workers = list_of(view, STOCK_WORKERS);
    WorkerItem *first = snapshot_items(snapshot, SCOPE_WORKER, sizeof *first, workers->count), *item = first;
    for (size_t i = 0; i < workers->count; i++) {
        const Worker *worker = workers->items[i];
        if (worker->online || worker->heard_at > now_wall_ms - WORKER_SHOWN_MS) {
            const char *values[] = {worker->pool, worker->name};
            *item++ = (WorkerItem){labelled(&snapshot->texts, names, values, 2), worker->online, worker->heard_at};
        }
    }
    snapshot->items[SCOPE_WORKER].count = (size_t)(item - first);
}

/* --- all --- */

static void take_all(Snapshot *snapshot, const InventoryView *view)
{
    const StockItems *deployments = list_of(view, STOCK_DEPLOYMENTS);
    InventoryItem *item = snapshot_items(snapshot, SCOPE_INVENTORY, sizeof *item, 1);
    *item = (InventoryItem){
        .deployments = deployments->count,
        .late = view->late,
        .gaps = view->gaps,
        .round_at = view->round_at,
        .counted_to = view->counted_to,
    };
    for (size_t i = 0; i < deployments->count; i++) {
        const ListedDeployment *deployment = deployments->items[i];
        item->paused += deployment->paused;
    }
}

void snapshot_take_inventory(Snapshot *snapshot, const Inventory *inventory, int64_t now_wall_ms)
{
    if (!inventory) {
        return;
    }
    InventoryView view = inventory_view(inventory);
    const bool *whole = view.stock->whole;
    if (whole[STOCK_DEPLOYMENTS]) {
        take_all(snapshot, &view);
        take_deployments(snapshot, inventory, &view);
    }
    if (whole[STOCK_POOLS]) {
        take_pools(snapshot, &view);
    }
    if (whole[STOCK_QUEUES] && whole[STOCK_POOLS]) {
        take_queues(snapshot, &view);
        take_workers(snapshot, &view, now_wall_ms);
    }
}
