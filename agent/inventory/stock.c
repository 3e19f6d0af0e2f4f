/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/stock.h"
#include "base/memory.h"
#include "base/text.h"
#include "inventory/internal.h"
#include <stdlib.h>
#include <string.h>

const char *const late_cause_names[LATE_CAUSES] = {"no_worker", "slots_full", "paused", "other"};

static void items_clear(StockItems *items, StockList list)
{
    for (size_t i = 0; i < items->count; i++) {
        stock_item_free(list, items->items[i]);
    }
    free(items->items);
    *items = (StockItems){0};
}

static void runs_init(StockRuns *runs)
{
    *runs = (StockRuns){map_new(1), map_new(1), map_new(1), map_new(1), map_new(1)};
}

static void names_free(Map *names)
{
    void *name;
    for (size_t at = 0; map_each(names, &at, NULL, &name);) {
        free(name);
    }
    map_free(names);
}

void stock_init(Stock *stock)
{
    *stock = (Stock){.deployments = map_new(1), .pools = map_new(1), .flows = map_new(1), .read_ids = map_new(1)};
    runs_init(&stock->runs);
    runs_init(&stock->reading_runs);
}

static void runs_release(StockRuns *runs)
{
    tallies_free(runs->running_of_deployment);
    tallies_free(runs->active_of_queue);
    tallies_free(runs->active_of_pool);
    tallies_free(runs->late_of_queue);
    tallies_free(runs->unserved_of_queue);
}

void stock_release(Stock *stock)
{
    for (int list = 0; list < STOCK_LISTS; list++) {
        items_clear(&stock->shown[list], (StockList)list);
        items_clear(&stock->reading[list], (StockList)list);
    }
    runs_release(&stock->runs);
    runs_release(&stock->reading_runs);
    map_free(stock->deployments);
    map_free(stock->pools);
    map_free(stock->read_ids);
    names_free(stock->flows);
    free(stock->worker_pool);
    *stock = (Stock){0};
}

/* --- reading --- */

bool stock_take(Stock *stock, StockList list, const Json *item)
{
    const char *id = json_member_text(item, "id");
    if (!id) {
        return false;
    }
    /* What moves between two pages may come twice. */
    return map_put(stock->read_ids, id, stock) || stock_item_read(stock, list, item);
}

static void read_ids_clear(Stock *stock)
{
    map_free(stock->read_ids);
    stock->read_ids = map_new(1);
}

static void tallies_clear(Map **tallies)
{
    tallies_free(*tallies);
    *tallies = map_new(1);
}

void stock_drop(Stock *stock, StockList list)
{
    StockRuns *runs = &stock->reading_runs;
    items_clear(&stock->reading[list], list);
    read_ids_clear(stock);
    if (list == STOCK_ACTIVE) {
        tallies_clear(&runs->running_of_deployment);
        tallies_clear(&runs->active_of_queue);
        tallies_clear(&runs->active_of_pool);
    } else if (list == STOCK_LATE) {
        tallies_clear(&runs->late_of_queue);
        tallies_clear(&runs->unserved_of_queue);
    } else if (list == STOCK_FLOWS) {
        names_free(stock->flows);
        stock->flows = map_new(1);
    }
}

/* --- showing --- */

static int by_key(const void *one, const void *other)
{
    const char *const *first = *(void *const *)one, *const *second = *(void *const *)other;
    return strcmp(*first, *second);
}

static void items_sort(StockItems *items)
{
    if (items->count) {
        qsort(items->items, items->count, sizeof *items->items, by_key);
    }
}

static void show_deployments(Stock *stock)
{
    StockItems *shown = &stock->shown[STOCK_DEPLOYMENTS];
    map_free(stock->deployments);
    stock->deployments = map_new(1);
    for (size_t i = 0; i < shown->count; i++) {
        ListedDeployment *deployment = shown->items[i];
        map_put(stock->deployments, deployment->id, deployment);
    }
    stock->stranger = false;
}

static void show_pools(Stock *stock)
{
    const StockItems *shown = &stock->shown[STOCK_POOLS];
    map_free(stock->pools);
    stock->pools = map_new(1);
    for (size_t i = 0; i < shown->count; i++) {
        WorkPool *pool = shown->items[i];
        map_put(stock->pools, pool->name, pool);
    }
}

static void swap_maps(Map **a, Map **b)
{
    Map *map = *a;
    *a = *b;
    *b = map;
}

static void show_runs(Stock *stock, StockList list)
{
    StockRuns *shown = &stock->runs, *read = &stock->reading_runs;
    if (list == STOCK_ACTIVE) {
        swap_maps(&shown->running_of_deployment, &read->running_of_deployment);
        swap_maps(&shown->active_of_queue, &read->active_of_queue);
        swap_maps(&shown->active_of_pool, &read->active_of_pool);
    } else {
        swap_maps(&shown->late_of_queue, &read->late_of_queue);
        swap_maps(&shown->unserved_of_queue, &read->unserved_of_queue);
    }
    stock_drop(stock, list);
}

/* The workers of one pool are exchanged; those of pools that are gone leave. */
static void show_workers(Stock *stock)
{
    StockItems *read = &stock->reading[STOCK_WORKERS], *shown = &stock->shown[STOCK_WORKERS];
    for (size_t i = 0; i < shown->count; i++) {
        Worker *worker = shown->items[i];
        if (text_equal(worker->pool, stock->worker_pool) || !stock_pool(stock, worker->pool)) {
            stock_item_free(STOCK_WORKERS, worker);
        } else {
            stock_items_add(read, worker);
        }
    }
    free(shown->items);
    items_sort(read);
    *shown = *read;
    *read = (StockItems){0};
}

void stock_end(Stock *stock, StockList list)
{
    stock->whole[list] = true;
    if (list == STOCK_ACTIVE || list == STOCK_LATE) {
        show_runs(stock, list);
        return;
    }
    read_ids_clear(stock);
    if (list == STOCK_FLOWS) { /* they stay until the deployments have been read */
        return;
    }
    if (list == STOCK_WORKERS) {
        show_workers(stock);
        return;
    }
    items_clear(&stock->shown[list], list);
    items_sort(&stock->reading[list]);
    stock->shown[list] = stock->reading[list];
    stock->reading[list] = (StockItems){0};
    if (list == STOCK_POOLS) {
        show_pools(stock);
    } else if (list == STOCK_DEPLOYMENTS) {
        show_deployments(stock);
        stock_drop(stock, STOCK_FLOWS);
    }
}

void stock_read_workers(Stock *stock, const char *pool)
{
    text_replace(&stock->worker_pool, pool);
}

const ListedDeployment *stock_deployment(const Stock *stock, const char *id)
{
    return map_find(stock->deployments, id);
}

const WorkPool *stock_pool(const Stock *stock, const char *name)
{
    return map_find(stock->pools, name);
}

static bool is_full(const Map *active, const char *key, int64_t limit)
{
    return limit >= 0 && tallies_find(active, key).count >= (uint64_t)limit;
}

LateCause stock_late_cause(const Stock *stock, const WorkQueue *queue)
{
    const StockRuns *runs = &stock->runs;
    const WorkPool *pool = queue ? stock_pool(stock, queue->pool) : NULL;
    if ((queue && queue->paused) || (pool && pool->paused)) {
        return LATE_PAUSED;
    }
    if (pool ? pool->takes_workers && !pool->ready
             : tallies_find(runs->unserved_of_queue, queue ? queue->id : "").count > 0) {
        return LATE_NO_WORKER;
    }
    bool full = queue && (is_full(runs->active_of_queue, queue->id, queue->limit) ||
                          (pool && is_full(runs->active_of_pool, pool->name, pool->limit)));
    return full ? LATE_SLOTS_FULL : LATE_OTHER;
}
