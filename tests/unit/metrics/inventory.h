/* SPDX-License-Identifier: Apache-2.0 */
/* An inventory that was told of one pool, its queue and workers, three deployments, and flow runs of one of them. */
#ifndef SENDPOST_TEST_METRICS_INVENTORY_H
#define SENDPOST_TEST_METRICS_INVENTORY_H

#include "fixture.h"

#define DEPLOYMENT_ID "d0000000-0000-4000-8000-000000000001"
#define FLOW_RUN_ID   "a0000000-0000-4000-8000-000000000001"

/* By path and a part of the body. */
static inline const char *inventory_reply(const InventoryQuestion *question)
{
    static const struct {
        const char *path, *part, *text;
    } replies[] = {
        {"/flow_runs/count", "Late", "3"},
        {"/flow_runs/filter", "Late",
         "[{\"id\":\"1\",\"work_queue_id\":\"q1\",\"expected_start_time\":\"2023-11-14T22:00:00Z\"},"
         "{\"id\":\"2\",\"work_queue_id\":\"q1\",\"expected_start_time\":\"2023-11-14T21:00:00Z\"},"
         "{\"id\":\"3\",\"work_queue_id\":null,\"expected_start_time\":\"2023-11-14T21:30:00Z\"}]"},
        {"/flow_runs/filter", "RUNNING",
         "[{\"id\":\"4\",\"deployment_id\":\"" DEPLOYMENT_ID "\",\"state_type\":\"RUNNING\",\"work_queue_id\":\"q1\","
         "\"work_pool_name\":\"po\\\"ol\",\"start_time\":\"2023-11-14T20:00:00Z\"}]"},
        {"/deployments/count", "paused", "1"},
        {"/deployments/count", "", "3"},
        {"/flows/filter", "", "[{\"id\":\"f\",\"name\":\"etl\"}]"},
        {"/deployments/filter", "",
         "[{\"id\":\"" DEPLOYMENT_ID "\",\"name\":\"main\",\"flow_id\":\"f\",\"work_pool_name\":\"po\\\"ol\","
         "\"work_queue_name\":\"fast\"},{\"id\":\"2\",\"name\":\"other\",\"flow_id\":\"f\",\"paused\":true},"
         "{\"id\":\"3\",\"name\":\"hidden\",\"flow_id\":\"f\"}]"},
        {"/work_pools/filter", "",
         "[{\"id\":\"1\",\"name\":\"po\\\"ol\",\"type\":\"process\",\"status\":\"READY\",\"concurrency_limit\":5}]"},
        {"/work_queues/filter", "",
         "[{\"id\":\"q1\",\"name\":\"fast\",\"work_pool_name\":\"po\\\"ol\",\"concurrency_limit\":0,"
         "\"last_polled\":\"2023-11-14T22:13:00Z\"}]"},
        {"/work_pools/po%22ol/workers/filter", "",
         "[{\"id\":\"1\",\"name\":\"w1\",\"status\":\"ONLINE\",\"last_heartbeat_time\":\"2023-11-14T22:13:10Z\"},"
         "{\"id\":\"2\",\"name\":\"w2\",\"status\":\"OFFLINE\",\"last_heartbeat_time\":\"2023-11-14T22:00:00Z\"},"
         "{\"id\":\"3\",\"name\":\"long gone\",\"status\":\"OFFLINE\",\"last_heartbeat_time\":\"2023-11-01T00:00:00Z\"}"
         "]"},
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        if (strcmp(question->path, replies[i].path) == 0 && strstr(question->body, replies[i].part)) {
            return replies[i].text;
        }
    }
    return question->lists ? "[]" : "0";
}

static inline void inventory_give_text(Inventory *inventory, const InventoryQuestion *question, const char *text,
                                       Now now)
{
    auto_json *reply = json_parse(text, strlen(text), NULL);
    for (const Json *item = question->lists ? json_first(reply) : NULL; item; item = json_next(item)) {
        assert_true(inventory_item(inventory, item));
    }
    InventoryAnswer answer = {.status = 200, .whole = true, .number = reply};
    assert_true(inventory_answer(inventory, &answer, now, NULL));
    if (inventory_change(inventory)) {
        inventory_committed(inventory);
    }
}

static inline void inventory_give(Inventory *inventory, const InventoryQuestion *question, Now now)
{
    inventory_give_text(inventory, question, inventory_reply(question), now);
}

/* As after its first round. */
static inline Inventory *fixture_inventory(Now now)
{
    static const char *const globs[] = {"*[!n]"};
    Inventory *inventory = inventory_new(&(InventoryOptions){15000, globs, 1});
    EndTotals totals = {.ended = {2, 1}, .duration_counts = {1, 1}, .duration_sum_ms = 9500};
    inventory_restore(inventory, TAIL_RAN, 1, 1699999990000);
    inventory_restore_totals(inventory, DEPLOYMENT_ID, &totals);
    InventoryQuestion question;
    while (inventory_ask(inventory, now, &question)) {
        inventory_give(inventory, &question, now);
    }
    return inventory;
}

#endif
