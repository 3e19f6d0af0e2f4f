/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect as a whole. What is shown of a thing may also change by time alone or with what runs in it, so that nothing
 * less than all of its item says whether it is another: that is its version. */
#include "base/memory.h"
#include "base/text.h"
#include "metrics/gathering.h"
#include <stdlib.h>
#include <string.h>

enum { WORKER_SHOWN_MS = 3600000 }; /* after it was heard last: many have another name each time they start */

/* The items of one scope, and all their labels. */
typedef struct Things {
    Scope scope;
    size_t size, values_at; /* of an item; where in it the labels end */
    char *items;
    size_t count;
    Buffer texts;
} Things;

static void things_init(Things *things, Scope scope, size_t size, size_t values_at, size_t capacity)
{
    *things = (Things){.scope = scope, .size = size, .values_at = values_at, .items = memory_new(capacity * size)};
    buffer_init(&things->texts, SIZE_MAX / 2);
}
#define THINGS_OF(things, scope, Item, first_value, capacity)                                                          \
    things_init(things, scope, sizeof(Item), offsetof(Item, first_value), capacity)

static void *things_add(Things *things)
{
    return things->items + things->count++ * things->size;
}

static const char *item_at(const Things *things, size_t index)
{
    return things->items + index * things->size;
}

/* Its labels are what an item begins with. */
static char *key_of(const Things *things, size_t index)
{
    const Text *labels = (const Text *)(const void *)item_at(things, index);
    return text_copy_length(things->texts.bytes ? things->texts.bytes + labels->at : "", labels->length);
}

/* FNV-1a. */
static uint64_t hash(uint64_t seed, const char *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325 ^ seed;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
    }
    return hash;
}

static Version version_of(const Things *things, size_t index)
{
    const char *item = item_at(things, index);
    Version version = {hash(0, item + things->values_at, things->size - things->values_at), 0};
    for (size_t at = 0; at < things->values_at; at += sizeof(Text)) {
        const Text *text = (const Text *)(const void *)(item + at);
        const char *bytes = things->texts.bytes ? things->texts.bytes + text->at : "";
        version.second = hash(version.second, bytes, text->length);
    }
    return version;
}

typedef struct Thing {
    char *key;
    size_t index;
} Thing;

/* And as they were listed: qsort need not keep their order. */
static int by_key(const void *one, const void *other)
{
    const Thing *first = one, *second = other;
    int order = strcmp(first->key, second->key);
    return order ? order : (first->index > second->index) - (first->index < second->index);
}

static void write_thing(Renewal *renewal, const Things *things, const Thing *thing)
{
    Version version = version_of(things, thing->index);
    if (!renewal_meets(renewal, thing->key, version)) {
        OwnerItems owner = {.texts = things->texts};
        owner.of[things->scope] = (Items){item_at(things, thing->index), things->size, 1};
        renewal_write(renewal, thing->key, version, &owner);
    }
}

/* Of two with the same labels the first is shown. */
static void things_write(Things *things, Renewal *renewal)
{
    auto_free Thing *sorted = memory_new(things->count * sizeof *sorted);
    for (size_t i = 0; i < things->count; i++) {
        sorted[i] = (Thing){key_of(things, i), i};
    }
    qsort(sorted, things->count, sizeof *sorted, by_key);
    for (size_t i = 0; i < things->count && renewal_goes_on(renewal); i++) {
        if (i == 0 || strcmp(sorted[i - 1].key, sorted[i].key) != 0) {
            write_thing(renewal, things, &sorted[i]);
        }
    }
    for (size_t i = 0; i < things->count; i++) {
        free(sorted[i].key);
    }
    buffer_release(&things->texts);
    free(things->items);
}

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

/* NULL: there is none, or not all of that list has been read yet. */
static const Stock *stock_of(const MetricsSources *sources, StockList list)
{
    const Stock *stock = sources->inventory ? inventory_view(sources->inventory).stock : NULL;
    return stock && stock->whole[list] ? stock : NULL;
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

void gather_deployments(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_DEPLOYMENTS);
    if (!stock) {
        return;
    }
    const StockItems *deployments = &stock->shown[STOCK_DEPLOYMENTS];
    Things things;
    THINGS_OF(&things, SCOPE_DEPLOYMENT, DeploymentItem, paused, deployments->count + 1);
    for (size_t i = 0; i < deployments->count; i++) {
        const ListedDeployment *deployment = deployments->items[i];
        if (inventory_shows(sources->inventory, deployment->name)) {
            take_deployment(&things.texts, sources->inventory, deployment, things_add(&things));
        }
    }
    if (inventory_shows(sources->inventory, "")) {
        take_deployment(&things.texts, sources->inventory, NULL, things_add(&things));
    }
    things_write(&things, renewal);
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

static void take_pool(Buffer *texts, const Stock *stock, const WorkPool *pool, WorkPoolItem *item)
{
    static const char *const name[] = {"work_pool"}, *const type[] = {"type"};
    *item = (WorkPoolItem){
        .labels = labelled(texts, name, (const char *const *)&pool->name, 1),
        .info = labelled(texts, type, (const char *const *)&pool->type, 1),
        .paused = pool->paused,
        .ready = pool->ready,
        .active = tallies_find(stock->runs.active_of_pool, pool->name).count,
        .limit = shown_limit(pool->limit),
    };
}

void gather_work_pools(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_POOLS);
    if (!stock) {
        return;
    }
    const StockItems *pools = &stock->shown[STOCK_POOLS];
    Things things;
    THINGS_OF(&things, SCOPE_WORK_POOL, WorkPoolItem, paused, pools->count);
    Map *items = map_new(1);
    for (size_t i = 0; i < pools->count; i++) {
        const WorkPool *pool = pools->items[i];
        WorkPoolItem *item = things_add(&things);
        take_pool(&things.texts, stock, pool, item);
        map_put(items, pool->name, item);
    }
    add_workers(stock, items);
    map_free(items);
    things_write(&things, renewal);
}

static void take_queue(Buffer *texts, const Stock *stock, const WorkQueue *queue, WorkQueueItem *item)
{
    static const char *const names[] = {"work_pool", "work_queue"};
    const char *id = queue ? queue->id : "", *values[] = {queue ? queue->pool : "", queue ? queue->name : ""};
    const StockRuns *runs = &stock->runs;
    Tally late = tallies_find(runs->late_of_queue, id);
    *item = (WorkQueueItem){
        .labels = labelled(texts, names, values, 2),
        .paused = queue && queue->paused,
        .active = tallies_find(runs->active_of_queue, id).count,
        .limit = queue ? shown_limit(queue->limit) : 0,
        .oldest_late_at = late.oldest_at,
        .polled_at = queue ? queue->polled_at : 0,
    };
    item->late[stock_late_cause(stock, queue)] = late.count;
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
    const StockItems *queues = &stock->shown[STOCK_QUEUES];
    Things things;
    THINGS_OF(&things, SCOPE_WORK_QUEUE, WorkQueueItem, paused, queues->count + 1);
    for (size_t i = 0; i < queues->count; i++) {
        take_queue(&things.texts, stock, queues->items[i], things_add(&things));
    }
    take_queue(&things.texts, stock, NULL, things_add(&things)); /* of deployments that are in no queue */
    things_write(&things, renewal);
}

void gather_workers(Renewal *renewal, const MetricsSources *sources)
{
    static const char *const names[] = {"work_pool", "worker"};
    const Stock *stock = stock_of_queues(sources);
    if (!stock) {
        return;
    }
    const StockItems *workers = &stock->shown[STOCK_WORKERS];
    Things things;
    THINGS_OF(&things, SCOPE_WORKER, WorkerItem, online, workers->count);
    for (size_t i = 0; i < workers->count; i++) {
        const Worker *worker = workers->items[i];
        if (worker->online || worker->heard_at > sources->now_wall_ms - WORKER_SHOWN_MS) {
            const char *values[] = {worker->pool, worker->name};
            WorkerItem *item = things_add(&things);
            *item = (WorkerItem){labelled(&things.texts, names, values, 2), worker->online, worker->heard_at};
        }
    }
    things_write(&things, renewal);
}

/* --- all --- */

/* From the first moment on: that nothing could be read yet is to be noticed, too. */
void gather_inventory(Renewal *renewal, const MetricsSources *sources)
{
    if (!sources->inventory) {
        return;
    }
    InventoryView view = inventory_view(sources->inventory);
    Things things;
    THINGS_OF(&things, SCOPE_INVENTORY, InventoryItem, gaps, 1);
    InventoryItem *item = things_add(&things);
    *item = (InventoryItem){.gaps = view.gaps, .round_at = view.round_at, .counted_to = view.counted_to};
    things_write(&things, renewal);
}

void gather_numbers(Renewal *renewal, const MetricsSources *sources)
{
    const Stock *stock = stock_of(sources, STOCK_DEPLOYMENTS);
    if (!stock) {
        return;
    }
    const StockItems *deployments = &stock->shown[STOCK_DEPLOYMENTS];
    Things things;
    THINGS_OF(&things, SCOPE_NUMBERS, NumbersItem, deployments, 1);
    NumbersItem *item = things_add(&things);
    *item = (NumbersItem){.deployments = deployments->count, .late = inventory_view(sources->inventory).late};
    for (size_t i = 0; i < deployments->count; i++) {
        const ListedDeployment *deployment = deployments->items[i];
        item->paused += deployment->paused;
    }
    things_write(&things, renewal);
}
