/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/stock.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/instant.h"
#include <string.h>

const char *const late_cause_names[LATE_CAUSES] = {"no_worker", "slots_full", "paused", "other"};

/* --- items --- */

static void deployment_free(void *item)
{
    Deployment *deployment = item;
    free(deployment->id);
    free(deployment->name);
    free(deployment->pool);
    free(deployment->queue);
    free(deployment);
}

static void pool_free(void *item)
{
    WorkPool *pool = item;
    free(pool->name);
    free(pool->type);
    free(pool);
}

static void queue_free(void *item)
{
    WorkQueue *queue = item;
    free(queue->id);
    free(queue->name);
    free(queue->pool);
    free(queue);
}

static void worker_free(void *item)
{
    Worker *worker = item;
    free(worker->pool);
    free(worker->name);
    free(worker);
}

static void (*const frees[STOCK_LISTS])(void *) = {
    [STOCK_DEPLOYMENTS] = deployment_free,
    [STOCK_POOLS] = pool_free,
    [STOCK_QUEUES] = queue_free,
    [STOCK_WORKERS] = worker_free,
};

static void items_clear(StockItems *items, StockList list)
{
    for (size_t i = 0; i < items->count; i++) {
        frees[list](items->items[i]);
    }
    free(items->items);
    *items = (StockItems){0};
}

static void items_add(StockItems *items, void *item)
{
    array_push(items->items, items->count, items->capacity) = item;
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

static int64_t limit_of(const Json *json)
{
    int64_t limit = -1;
    json_integer(json_member(json, "concurrency_limit"), &limit);
    return limit;
}

static bool take_flow(Stock *stock, const Json *json)
{
    const char *id = json_member_text(json, "id"), *name = json_member_text(json, "name");
    if (!id || !name) {
        return false;
    }
    free(map_put(stock->flows, id, text_copy(name)));
    return true;
}

static bool take_deployment(Stock *stock, const Json *json)
{
    const char *name = json_member_text(json, "name"), *flow_id = json_member_text(json, "flow_id");
    if (!name || !flow_id) {
        return false;
    }
    const char *flow = map_find(stock->flows, flow_id);
    if (!flow) { /* made since the flows were read: with the next look */
        return true;
    }
    Deployment *deployment = memory_new(sizeof *deployment);
    *deployment = (Deployment){
        .id = text_copy(json_member_text(json, "id")),
        .name = text_format("%s/%s", flow, name),
        .pool = text_copy(json_member_text(json, "work_pool_name")),
        .queue = text_copy(json_member_text(json, "work_queue_name")),
        .paused = json_boolean(json_member(json, "paused"), false),
        .served = text_equal(json_member_text(json, "status"), "READY"),
    };
    items_add(&stock->reading[STOCK_DEPLOYMENTS], deployment);
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && text_equal(text + length - end_length, end);
}

static bool take_pool(Stock *stock, const Json *json)
{
    const char *name = json_member_text(json, "name"), *type = json_member_text(json, "type");
    const char *status = json_member_text(json, "status");
    if (!name || !type) {
        return false;
    }
    WorkPool *pool = memory_new(sizeof *pool);
    *pool = (WorkPool){
        .name = text_copy(name),
        .type = text_copy(type),
        .paused = json_boolean(json_member(json, "is_paused"), false) || text_equal(status, "PAUSED"),
        .ready = text_equal(status, "READY"),
        .takes_workers = status && !ends_with(type, ":push") && !ends_with(type, ":managed"),
        .limit = limit_of(json),
    };
    items_add(&stock->reading[STOCK_POOLS], pool);
    return true;
}

static bool take_queue(Stock *stock, const Json *json)
{
    const char *name = json_member_text(json, "name"), *pool = json_member_text(json, "work_pool_name");
    int64_t polled_at;
    if (!name || !instant_read(json_member(json, "last_polled"), &polled_at)) {
        return false;
    }
    WorkQueue *queue = memory_new(sizeof *queue);
    *queue = (WorkQueue){
        .id = text_copy(json_member_text(json, "id")),
        .name = text_copy(name),
        .pool = text_copy(pool ? pool : ""),
        .paused = json_boolean(json_member(json, "is_paused"), false),
        .limit = limit_of(json),
        .polled_at = polled_at,
    };
    items_add(&stock->reading[STOCK_QUEUES], queue);
    return true;
}

static bool take_worker(Stock *stock, const Json *json)
{
    const char *name = json_member_text(json, "name");
    int64_t heard_at;
    if (!name || !instant_read(json_member(json, "last_heartbeat_time"), &heard_at)) {
        return false;
    }
    Worker *worker = memory_new(sizeof *worker);
    *worker = (Worker){
        .pool = text_copy(stock->worker_pool),
        .name = text_copy(name),
        .online = text_equal(json_member_text(json, "status"), "ONLINE"),
        .heard_at = heard_at,
    };
    items_add(&stock->reading[STOCK_WORKERS], worker);
    return true;
}

static void know_deployment(Stock *stock, const char *id)
{
    stock->stranger = stock->stranger || (id && !stock_deployment(stock, id));
}

static bool take_active(Stock *stock, const Json *json)
{
    StockRuns *runs = &stock->reading_runs;
    const char *deployment_id = json_member_text(json, "deployment_id");
    int64_t started_at;
    if (!instant_read(json_member(json, "start_time"), &started_at)) {
        return false;
    }
    know_deployment(stock, deployment_id);
    if (text_equal(json_member_text(json, "state_type"), "RUNNING")) {
        tallies_add(runs->running_of_deployment, deployment_id, started_at);
    }
    tallies_add(runs->active_of_queue, json_member_text(json, "work_queue_id"), 0);
    tallies_add(runs->active_of_pool, json_member_text(json, "work_pool_name"), 0);
    return true;
}

static bool take_late(Stock *stock, const Json *json)
{
    StockRuns *runs = &stock->reading_runs;
    const char *deployment_id = json_member_text(json, "deployment_id");
    const char *queue_id = json_member_text(json, "work_queue_id");
    int64_t expected_at;
    if (!instant_read(json_member(json, "expected_start_time"), &expected_at)) {
        return false;
    }
    know_deployment(stock, deployment_id);
    tallies_add(runs->late_of_queue, queue_id, expected_at);
    const Deployment *deployment = deployment_id ? stock_deployment(stock, deployment_id) : NULL;
    if (deployment && !deployment->served) {
        tallies_add(runs->unserved_of_queue, queue_id, expected_at);
    }
    return true;
}

bool stock_take(Stock *stock, StockList list, const Json *item)
{
    static bool (*const takes[STOCK_LISTS])(Stock *, const Json *) = {
        [STOCK_DEPLOYMENTS] = take_deployment,
        [STOCK_POOLS] = take_pool,
        [STOCK_QUEUES] = take_queue,
        [STOCK_WORKERS] = take_worker,
        [STOCK_ACTIVE] = take_active,
        [STOCK_LATE] = take_late,
        [STOCK_FLOWS] = take_flow,
    };
    const char *id = json_member_text(item, "id");
    if (!id) {
        return false;
    }
    /* What moves between two pages may come twice. */
    return map_put(stock->read_ids, id, stock) || takes[list](stock, item);
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

static void show_deployments(Stock *stock)
{
    StockItems *shown = &stock->shown[STOCK_DEPLOYMENTS];
    map_free(stock->deployments);
    stock->deployments = map_new(1);
    for (size_t i = 0; i < shown->count; i++) {
        Deployment *deployment = shown->items[i];
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
            worker_free(worker);
        } else {
            items_add(read, worker);
        }
    }
    free(shown->items);
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

const Deployment *stock_deployment(const Stock *stock, const char *id)
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
