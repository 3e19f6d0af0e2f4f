/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect as a whole. Many answers change little of what is shown, so that the chapters have the inventory's version,
 * and a thing that of all that is shown of it. */
#include "base/memory.h"
#include "base/text.h"
#include "metrics/gathering.h"
#include <string.h>

enum { WORKER_SHOWN_MS = 3600000, MINUTE_MS = 60000 }; /* after it was heard last: many have another name each time */

static uint64_t hash(const void *bytes, size_t length)
{
    uint64_t hash = length;
    for (const char *at = bytes; length > 0;) {
        uint64_t word = 0;
        size_t size = length < sizeof word ? length : sizeof word;
        memcpy(&word, at, size);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
        at += size;
        length -= size;
    }
    return hash;
}

/* The item was zeroed first, so that no padding makes it another. Its labels are all that is in the texts; they are
 * forgotten. */
static void meet(Renewal *renewal, const char *key, Scope scope, const void *item, size_t size, Buffer *texts)
{
    Version version = {hash(item, size), hash(texts->bytes, texts->length)};
    if (!renewal_meets(renewal, key, version)) {
        OwnerItems owner = {.texts = *texts};
        owner.of[scope] = (Items){item, size, 1};
        renewal_write(renewal, key, version, &owner);
    }
    buffer_clear(texts);
}

/* NULL: there is none, or not all of that list has been read yet. */
static const Stock *stock_of(const MetricsSources *sources, StockList list)
{
    const Stock *stock = sources->inventory ? inventory_view(sources->inventory).stock : NULL;
    return stock && stock->whole[list] ? stock : NULL;
}

Version inventory_chapter_version(const MetricsSources *sources)
{
    return (Version){sources->inventory ? inventory_version(sources->inventory) : 0, 0};
}

/* --- deployments --- */

static const char *deployment_key(const ListedDeployment *deployment)
{
    return deployment ? deployment->key : "";
}

static void meet_deployment(Renewal *renewal, const Inventory *inventory, const ListedDeployment *deployment,
                            Buffer *texts)
{
    const char *id = deployment ? deployment->id : "";
    Tally running = tallies_find(inventory_view(inventory).stock->runs.running_of_deployment, id);
    DeploymentItem item;
    memset(&item, 0, sizeof item);
    item.labels = one_label(texts, "deployment", deployment ? deployment->name : "");
    item.paused = deployment && deployment->paused;
    item.running = running.count;
    item.oldest_at = running.oldest_at;
    item.totals = inventory_totals(inventory, id);
    if (deployment) {
        size_t begin = texts->length;
        label_append(texts, begin, "deployment_id", id);
        label_append(texts, begin, "work_pool", deployment->pool);
        label_append(texts, begin, "work_queue", deployment->queue);
        item.info = text_since(texts, begin);
    }
    meet(renewal, deployment_key(deployment), SCOPE_DEPLOYMENT, &item, sizeof item, texts);
}

void gather_deployments(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_DEPLOYMENTS);
    if (!stock) {
        return;
    }
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    if (inventory_wants(sources->inventory, "")) {
        meet_deployment(renewal, sources->inventory, NULL, &texts);
    }
    const StockItems *deployments = &stock->shown[STOCK_DEPLOYMENTS];
    for (size_t i = 0; i < deployments->count && renewal_goes_on(renewal); i++) {
        const ListedDeployment *deployment = deployments->items[i];
        if (deployment->wanted) {
            meet_deployment(renewal, sources->inventory, deployment, &texts);
        }
    }
    buffer_release(&texts);
}

/* --- work pools, queues, workers --- */

/* Each pool has its item already. */
static void add_workers(const Stock *stock, const Map *items)
{
    const StockItems *workers = &stock->shown[STOCK_WORKERS];
    for (size_t i = 0; i < workers->count; i++) {
        const Worker *worker = workers->items[i];
        WorkPoolItem *item = map_find(items, worker->pool);
        if (item) {
            item->workers_online += worker->online;
            item->heard_at = worker->heard_at > item->heard_at ? worker->heard_at : item->heard_at;
        }
    }
}

static void meet_pool(Renewal *renewal, const Stock *stock, const WorkPool *pool, WorkPoolItem *item, Buffer *texts)
{
    item->labels = one_label(texts, "work_pool", pool->name);
    item->info = one_label(texts, "type", pool->type);
    item->paused = pool->paused;
    item->ready = pool->ready;
    item->active = tallies_find(stock->runs.active_of_pool, pool->name).count;
    item->limit = pool->limit;
    meet(renewal, pool->key, SCOPE_WORK_POOL, item, sizeof *item, texts);
}

void gather_work_pools(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_POOLS);
    if (!stock) {
        return;
    }
    const StockItems *pools = &stock->shown[STOCK_POOLS];
    auto_free WorkPoolItem *items = memory_new(pools->count * sizeof *items);
    Map *item_of = map_new(1);
    for (size_t i = 0; i < pools->count; i++) {
        map_put(item_of, ((const WorkPool *)pools->items[i])->name, &items[i]);
    }
    add_workers(stock, item_of);
    map_free(item_of);
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    for (size_t i = 0; i < pools->count && renewal_goes_on(renewal); i++) {
        meet_pool(renewal, stock, pools->items[i], &items[i], &texts);
    }
    buffer_release(&texts);
}

static void meet_queue(Renewal *renewal, const Stock *stock, const WorkQueue *queue, Buffer *texts)
{
    const char *id = queue ? queue->id : "";
    const StockRuns *runs = &stock->runs;
    Tally late = tallies_find(runs->late_of_queue, id);
    WorkQueueItem item;
    memset(&item, 0, sizeof item);
    item.labels = two_labels(texts, "work_pool", queue ? queue->pool : "", "work_queue", queue ? queue->name : "");
    item.paused = queue && queue->paused;
    item.active = tallies_find(runs->active_of_queue, id).count;
    item.limit = queue ? queue->limit : -1;
    item.oldest_late_at = late.oldest_at;
    item.polled_at = queue ? queue->polled_at : 0;
    item.late[stock_late_cause(stock, queue)] = late.count;
    meet(renewal, queue ? queue->key : "", SCOPE_WORK_QUEUE, &item, sizeof item, texts);
}

/* Why flow runs are late depends on the pools, too. */
static const Stock *stock_of_queues(const MetricsSources *sources)
{
    return stock_of(sources, STOCK_POOLS) ? stock_of(sources, STOCK_QUEUES) : NULL;
}

void gather_work_queues(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of_queues(sources);
    if (!stock) {
        return;
    }
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    meet_queue(renewal, stock, NULL, &texts); /* of deployments that are in no queue */
    const StockItems *queues = &stock->shown[STOCK_QUEUES];
    for (size_t i = 0; i < queues->count && renewal_goes_on(renewal); i++) {
        meet_queue(renewal, stock, queues->items[i], &texts);
    }
    buffer_release(&texts);
}

static void meet_worker(Renewal *renewal, const Worker *worker, Buffer *texts)
{
    WorkerItem item;
    memset(&item, 0, sizeof item);
    item.labels = two_labels(texts, "work_pool", worker->pool, "worker", worker->name);
    item.online = worker->online;
    item.heard_at = worker->heard_at;
    meet(renewal, worker->key, SCOPE_WORKER, &item, sizeof item, texts);
}

void gather_workers(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of_queues(sources);
    if (!stock) {
        return;
    }
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    const StockItems *workers = &stock->shown[STOCK_WORKERS];
    for (size_t i = 0; i < workers->count && renewal_goes_on(renewal); i++) {
        const Worker *worker = workers->items[i];
        if (worker->online || worker->heard_at > sources->now_wall_ms - WORKER_SHOWN_MS) {
            meet_worker(renewal, worker, &texts);
        }
    }
    buffer_release(&texts);
}

/* Time alone takes some away, within a minute. */
Version workers_version(const MetricsSources *sources)
{
    Version version = inventory_chapter_version(sources);
    version.second = version.first ? (uint64_t)(sources->now_wall_ms / MINUTE_MS) : 0;
    return version;
}

/* --- all --- */

/* From the first moment on: that nothing could be read yet is to be noticed, too. */
void gather_inventory(Renewal *renewal, const MetricsSources *sources)
{
    if (sources->inventory) {
        InventoryView view = inventory_view(sources->inventory);
        InventoryItem item = {.gaps = view.gaps, .round_at = view.round_at, .counted_to = view.counted_to};
        meet(renewal, "", SCOPE_INVENTORY, &item, sizeof item, &(Buffer){0});
    }
}

void gather_numbers(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_DEPLOYMENTS);
    if (!stock) {
        return;
    }
    const StockItems *deployments = &stock->shown[STOCK_DEPLOYMENTS];
    NumbersItem item = {.deployments = deployments->count, .late = inventory_view(sources->inventory).late};
    for (size_t i = 0; i < deployments->count; i++) {
        item.paused += ((const ListedDeployment *)deployments->items[i])->paused;
    }
    meet(renewal, "", SCOPE_NUMBERS, &item, sizeof item, &(Buffer){0});
}
