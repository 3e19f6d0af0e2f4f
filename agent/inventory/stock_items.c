/* SPDX-License-Identifier: Apache-2.0 */
/* What Prefect says of one thing, as the stock keeps it. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "inventory/internal.h"
#include <string.h>

static void deployment_free(void *item)
{
    ListedDeployment *deployment = item;
    free(deployment->key);
    free(deployment->id);
    free(deployment->name);
    free(deployment->pool);
    free(deployment->queue);
    free(deployment);
}

static void pool_free(void *item)
{
    WorkPool *pool = item;
    free(pool->key);
    free(pool->name);
    free(pool->type);
    free(pool);
}

static void queue_free(void *item)
{
    WorkQueue *queue = item;
    free(queue->key);
    free(queue->id);
    free(queue->name);
    free(queue->pool);
    free(queue);
}

static void worker_free(void *item)
{
    Worker *worker = item;
    free(worker->key);
    free(worker->pool);
    free(worker->name);
    free(worker);
}

static void (*const frees[STOCK_LISTS])(void *) = {
    [STOCK_DEPLOYMENTS] = deployment_free,
    [STOCK_POOLS] = pool_free,
    [STOCK_QUEUES] = queue_free,
    [STOCK_WORKERS] = worker_free,
    [STOCK_ACTIVE] = free, /* of these there are no items */
    [STOCK_LATE] = free,
    [STOCK_FLOWS] = free,
};

void stock_item_free(StockList list, void *item)
{
    frees[list](item);
}

void stock_items_add(StockItems *items, void *item)
{
    array_push(items->items, items->count, items->capacity) = item;
}

/* As a label. */
static char *label_copy(const char *text)
{
    return text ? text_copy_length(text, text_cut(text, INVENTORY_NAME_MAX)) : NULL;
}

/* Two series of one name spoil a whole scrape: of things that were made anew while the list was read one counts. */
static void add_once(Stock *stock, StockList list, void *item)
{
    const char *const *key = item;
    if (map_put(stock->read_ids, *key, stock)) {
        stock_item_free(list, item);
    } else {
        stock_items_add(&stock->reading[list], item);
    }
}

/* No id looks like one. */
static char *key_of(const char *place, const char *name)
{
    return text_format("%s/%s", place, name);
}

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
    auto_free char *full_name = text_format("%s/%s", flow, name);
    ListedDeployment *deployment = memory_new(sizeof *deployment);
    *deployment = (ListedDeployment){
        .id = text_copy(json_member_text(json, "id")),
        .name = label_copy(full_name),
        .pool = label_copy(json_member_text(json, "work_pool_name")),
        .queue = label_copy(json_member_text(json, "work_queue_name")),
        .paused = json_boolean(json_member(json, "paused"), false),
        .served = text_equal(json_member_text(json, "status"), "READY"),
    };
    deployment->key = key_of("", deployment->name);
    add_once(stock, STOCK_DEPLOYMENTS, deployment);
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
        .name = label_copy(name),
        .type = label_copy(type),
        .paused = json_boolean(json_member(json, "is_paused"), false) || text_equal(status, "PAUSED"),
        .ready = text_equal(status, "READY"),
        .takes_workers = status && !ends_with(type, ":push") && !ends_with(type, ":managed"),
        .limit = limit_of(json),
    };
    pool->key = key_of("", pool->name);
    add_once(stock, STOCK_POOLS, pool);
    return true;
}

static bool take_queue(Stock *stock, const Json *json)
{
    const char *name = json_member_text(json, "name"), *pool = json_member_text(json, "work_pool_name");
    int64_t polled_at;
    if (!name || !instant_read(json_member(json, "last_polled"), &polled_at)) {
        return false;
    }
    if (!*name && !pool) { /* would look like what is shown of flow runs in no queue */
        return true;
    }
    WorkQueue *queue = memory_new(sizeof *queue);
    *queue = (WorkQueue){
        .id = text_copy(json_member_text(json, "id")),
        .name = label_copy(name),
        .pool = label_copy(pool ? pool : ""),
        .paused = json_boolean(json_member(json, "is_paused"), false),
        .limit = limit_of(json),
        .polled_at = polled_at,
    };
    queue->key = key_of(queue->pool, queue->name);
    add_once(stock, STOCK_QUEUES, queue);
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
        .name = label_copy(name),
        .online = text_equal(json_member_text(json, "status"), "ONLINE"),
        .heard_at = heard_at,
    };
    worker->key = key_of(worker->pool, worker->name);
    add_once(stock, STOCK_WORKERS, worker);
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
    const ListedDeployment *deployment = deployment_id ? stock_deployment(stock, deployment_id) : NULL;
    if (deployment && !deployment->served) {
        tallies_add(runs->unserved_of_queue, queue_id, expected_at);
    }
    return true;
}

bool stock_item_read(Stock *stock, StockList list, const Json *item)
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
    return takes[list](stock, item);
}
