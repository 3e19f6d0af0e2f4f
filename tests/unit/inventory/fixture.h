/* SPDX-License-Identifier: Apache-2.0 */
/* A Prefect of flow runs that have ended, as its filters, orders and pages show them; and a journal in memory. */
#ifndef SENDPOST_TEST_INVENTORY_FIXTURE_H
#define SENDPOST_TEST_INVENTORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORLD_RUNS_MAX = 60000, WORLD_DEPLOYMENTS = 3, WORLD_SEEN_MAX = 60000, BEGINNING = 1700000000 };

typedef struct WorldRun {
    int64_t started_at, ended_at; /* started 0: it never ran */
    int64_t visible_at;           /* by our clock: when its end is written */
    int deployment, state;
} WorldRun;

typedef struct World {
    bool old;                       /* Prefect 2 */
    int limit_max, reply_items_max; /* 0: none; more items are too large */
    int64_t now_ms, skew_ms;        /* ours; Prefect's is that much ahead */
    WorldRun *runs;                 /* in no order */
    size_t count;
    size_t asked; /* questions */
    /* the journal */
    bool begun[TAILS];
    int64_t begin[TAILS], cursor[TAILS];
    struct {
        int tail;
        char id[UUID_SIZE];
        int64_t ended_at;
    } * seen;
    size_t seen_count, gaps;
    EndTotals totals[WORLD_DEPLOYMENTS];
} World;

static inline World *world_new(void)
{
    World *world = memory_new(sizeof *world);
    world->now_ms = (int64_t)BEGINNING * 1000;
    world->runs = memory_new(WORLD_RUNS_MAX * sizeof *world->runs);
    world->seen = memory_new(WORLD_SEEN_MAX * sizeof *world->seen);
    return world;
}

static inline void world_free(World *world)
{
    free(world->runs);
    free(world->seen);
    free(world);
}

static inline int64_t world_prefect_now(const World *world)
{
    return world->now_ms + world->skew_ms;
}

/* It ended just now, or so it says. */
static inline WorldRun *world_end(World *world, int deployment, int state, int64_t duration_ms)
{
    assert_true(world->count < WORLD_RUNS_MAX);
    WorldRun *run = &world->runs[world->count++];
    int64_t now_ms = world_prefect_now(world);
    *run = (WorldRun){.started_at = duration_ms < 0 ? 0 : now_ms - duration_ms,
                      .ended_at = now_ms,
                      .visible_at = world->now_ms,
                      .deployment = deployment,
                      .state = state};
    return run;
}

static inline const char *world_deployment(int deployment)
{
    static char id[UUID_SIZE];
    snprintf(id, sizeof id, "d0000000-0000-4000-8000-%012d", deployment);
    return id;
}

static inline char *world_instant(int64_t wall_ms)
{
    char text[INSTANT_TEXT_SIZE];
    instant_format(wall_ms, text);
    return wall_ms ? text_format("\"%s\"", text) : text_copy("null");
}

static inline Json *world_item(const World *world, const WorldRun *run)
{
    bool null_end = world->old && !run->started_at;
    auto_free char *start = world_instant(run->started_at || world->old ? run->started_at : run->ended_at);
    auto_free char *end = world_instant(null_end ? 0 : run->ended_at), *at = world_instant(run->ended_at);
    auto_free char *text = text_format(
        "{\"id\":\"a0000000-0000-4000-8000-%012zu\",\"deployment_id\":\"%s\",\"state_type\":\"%s\",\"start_time\":%s,"
        "\"end_time\":%s,\"state\":{\"timestamp\":%s}}",
        (size_t)(run - world->runs), world_deployment(run->deployment), end_state_types[run->state], start, end, at);
    return json_parse(text, strlen(text), NULL);
}

static inline int64_t world_bound(const Json *filter, const char *name, int64_t none)
{
    int64_t wall_ms = none;
    const Json *bound = json_member(json_member(filter, "end_time"), name);
    return bound && instant_read(bound, &wall_ms) ? wall_ms : none;
}

static inline int newest_first(const void *a, const void *b)
{
    int64_t left = (*(const WorldRun *const *)a)->ended_at, right = (*(const WorldRun *const *)b)->ended_at;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* What the filter of the question lets through, in its order; the caller frees. */
static inline const WorldRun **world_select(const World *world, const Json *body, size_t *count)
{
    const Json *filter = json_member(body, "flow_runs");
    const Json *null = json_member(json_member(filter, world->old ? "start_time" : "end_time"), "is_null_");
    int64_t after = world_bound(filter, "after_", 0), before = world_bound(filter, "before_", INT64_MAX);
    const WorldRun **found = memory_new(world->count * sizeof *found);
    *count = 0;
    for (size_t i = 0; i < world->count; i++) {
        const WorldRun *run = &world->runs[i];
        bool is_null = world->old && !run->started_at;
        bool fits = run->visible_at <= world->now_ms && run->ended_at >= after && run->ended_at <= before;
        if (fits && (null ? json_boolean(null, false) == is_null : !is_null)) {
            found[(*count)++] = run;
        }
    }
    qsort(found, *count, sizeof *found, newest_first);
    return found;
}

static inline bool world_refuses(const World *world, const Json *body, InventoryAnswer *answer)
{
    int64_t limit = 0;
    json_integer(json_member(body, "limit"), &limit);
    if (world->old && json_member(json_member(body, "flow_runs"), "end_time")) {
        *answer = (InventoryAnswer){.status = 422, .message = "body.flow_runs.end_time. extra fields not permitted"};
    } else if (world->limit_max && limit > world->limit_max) {
        *answer = (InventoryAnswer){.status = 422, .message = "Invalid limit: must be less than or equal to that"};
    } else if (world->reply_items_max && limit > world->reply_items_max) {
        *answer = (InventoryAnswer){.too_large = true, .message = "an answer larger than that"};
    } else {
        return false;
    }
    return true;
}

static inline void world_list(const World *world, Inventory *inventory, const Json *body)
{
    int64_t limit = 0, offset = 0;
    size_t count;
    const WorldRun **found = world_select(world, body, &count);
    json_integer(json_member(body, "limit"), &limit);
    json_integer(json_member(body, "offset"), &offset);
    for (size_t i = (size_t)offset; i < count && i < (size_t)(offset + limit); i++) {
        Json *item = world_item(world, found[i]);
        assert_true(inventory_item(inventory, item));
        json_free(item);
    }
    free(found);
}

static inline bool world_is_about_ends(const Json *body)
{
    auto_buffer text;
    buffer_init(&text, 4096);
    json_print(json_member(body, "flow_runs"), &text);
    return text.bytes && strstr(text.bytes, "COMPLETED") != NULL;
}

static inline void world_answer(World *world, Inventory *inventory, const InventoryQuestion *question)
{
    auto_json *body = json_parse(question->body, strlen(question->body), NULL);
    auto_json *number = NULL;
    InventoryAnswer answer = {.status = 200, .whole = true};
    world->asked++;
    if (!world_refuses(world, body, &answer) && world_is_about_ends(body)) {
        size_t count;
        free(world_select(world, body, &count));
        auto_free char *text = text_format("%zu", count);
        number = json_parse(text, strlen(text), NULL);
        if (question->lists) {
            world_list(world, inventory, body);
        }
    } else if (!question->lists) {
        number = json_parse("0", 1, NULL);
    }
    answer.number = number;
    Error error = {0};
    Now now = {world->now_ms, world->now_ms};
    if (!inventory_answer(inventory, &answer, now, &error)) {
        fail_msg("%s: %s", question->path, error.text);
    }
}

/* --- the journal --- */

static inline void world_write(World *world, const InventoryChange *change)
{
    const TailChange *tail = &change->change;
    size_t kept = 0;
    for (size_t i = 0; i < world->seen_count; i++) {
        if (world->seen[i].tail != (int)change->tail || world->seen[i].ended_at > tail->forgotten) {
            world->seen[kept++] = world->seen[i];
        }
    }
    world->seen_count = kept;
    for (size_t i = 0; i < tail->count; i++) {
        if (tail->runs[i]->ended_at > tail->forgotten) {
            assert_true(world->seen_count < WORLD_SEEN_MAX);
            world->seen[world->seen_count].tail = (int)change->tail;
            world->seen[world->seen_count].ended_at = tail->runs[i]->ended_at;
            memcpy(world->seen[world->seen_count++].id, tail->runs[i]->id, UUID_SIZE);
        }
    }
    world->begun[change->tail] = true;
    world->begin[change->tail] = tail->begin;
    world->cursor[change->tail] = tail->cursor;
    world->gaps += tail->gap;
    for (size_t i = 0; i < change->total_count; i++) {
        for (int deployment = 0; deployment < WORLD_DEPLOYMENTS; deployment++) {
            if (text_equal(change->totals[i].deployment_id, world_deployment(deployment))) {
                world->totals[deployment] = change->totals[i].totals;
            }
        }
    }
}

static inline Inventory *world_inventory(const World *world)
{
    static const char *const all[] = {"*"};
    Inventory *inventory =
        inventory_new(&(InventoryOptions){.interval_ms = 1000, .deployments = all, .deployment_count = 1});
    for (int tail = 0; tail < TAILS; tail++) {
        if (world->begun[tail]) {
            inventory_restore(inventory, (InventoryTail)tail, world->begin[tail], world->cursor[tail]);
        }
    }
    for (size_t i = 0; i < world->seen_count; i++) {
        inventory_restore_seen(inventory, (InventoryTail)world->seen[i].tail, world->seen[i].id,
                               world->seen[i].ended_at);
    }
    for (int deployment = 0; deployment < WORLD_DEPLOYMENTS; deployment++) {
        inventory_restore_totals(inventory, world_deployment(deployment), &world->totals[deployment]);
    }
    return inventory;
}

/* One question, its answer, and what is to be written of it. False: none is due. */
static inline bool world_step(World *world, Inventory *inventory)
{
    Now now = {world->now_ms, world->now_ms};
    InventoryQuestion question;
    if (!inventory_ask(inventory, now, &question)) {
        return false;
    }
    world_answer(world, inventory, &question);
    const InventoryChange *change = inventory_change(inventory);
    if (change) {
        world_write(world, change);
        inventory_committed(inventory);
    }
    return true;
}

/* A round, and a second passes. */
static inline void world_round(World *world, Inventory *inventory)
{
    while (world_step(world, inventory)) {
    }
    world->now_ms += 1000;
}

static inline uint64_t world_counted(const World *world)
{
    uint64_t counted = 0;
    for (int deployment = 0; deployment < WORLD_DEPLOYMENTS; deployment++) {
        for (int state = 0; state < END_STATES; state++) {
            counted += world->totals[deployment].ended[state];
        }
    }
    return counted;
}

#endif
