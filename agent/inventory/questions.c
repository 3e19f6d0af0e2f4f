/* SPDX-License-Identifier: Apache-2.0 */
/* The table of questions. Numbers are cheap: lists that seldom change are read again when a number says that they have,
 * and now and then. */
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/url.h"
#include "inventory/internal.h"

enum {
    ENDED_REQUESTS_MAX = 20, /* in a round */
    WORKER_REQUESTS_MAX = 4,
    SLOW_MS = 60000,            /* from one reading of pools, queues, workers, unchanged late runs to the next */
    DEPLOYMENTS_MS = 300000,    /* the same of deployments, */
    DEPLOYMENTS_MIN_MS = 60000, /* and when they have changed */
};

static bool always(const Inventory *inventory, Now now)
{
    (void)inventory, (void)now;
    return true;
}

static bool ended_due(const Inventory *inventory, Now now)
{
    (void)now;
    return inventory->requests[ASK_ENDED] < ENDED_REQUESTS_MAX;
}

static bool never_ran_count_due(const Inventory *inventory, Now now)
{
    (void)now;
    return inventory->tails[TAIL_RAN].pages == 0 && !inventory->tails[TAIL_RAN].before;
}

static bool never_ran_due(const Inventory *inventory, Now now)
{
    (void)now;
    return inventory->requests[ASK_NEVER_RAN_COUNT] && inventory->numbers[ASK_NEVER_RAN_COUNT] != inventory->never_ran;
}

static bool late_due(const Inventory *inventory, Now now)
{
    int64_t late = inventory->numbers[ASK_LATE_COUNT];
    return late > 0 && (late != inventory->late_read || now.boot_ms >= inventory->late_due);
}

static bool deployments_due(const Inventory *inventory, Now now)
{
    bool changed = inventory->deployments_changed || inventory->stock.stranger;
    bool soon = changed && now.boot_ms >= inventory->deployments_read + DEPLOYMENTS_MIN_MS;
    return soon || now.boot_ms >= inventory->deployments_due;
}

static bool deployments_next(const Inventory *inventory, Now now)
{
    (void)now;
    return inventory->flows_read;
}

static bool pools_due(const Inventory *inventory, Now now)
{
    return now.boot_ms >= inventory->pools_due;
}

static bool queues_due(const Inventory *inventory, Now now)
{
    return now.boot_ms >= inventory->queues_due;
}

/* The pools' turns come round in a minute, or later when there are many. */
static bool workers_due(const Inventory *inventory, Now now)
{
    (void)now;
    int64_t pools = (int64_t)inventory->stock.shown[STOCK_POOLS].count;
    int64_t share = (pools * inventory->interval_ms + SLOW_MS - 1) / SLOW_MS;
    return inventory->requests[ASK_WORKERS] < (share < WORKER_REQUESTS_MAX ? share : WORKER_REQUESTS_MAX);
}

/* --- what is asked --- */

static void write_names(JsonWriter *writer, const char *name, const char *const *names, int count)
{
    json_begin_object(writer, name);
    json_begin_array(writer, "any_");
    for (int i = 0; i < count; i++) {
        json_write_text(writer, NULL, names[i]);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_state(JsonWriter *writer, const char *const *types, int count)
{
    json_begin_object(writer, "state");
    write_names(writer, "type", types, count);
    json_end_object(writer);
}

static void write_null(JsonWriter *writer, const char *name, bool is_null)
{
    json_begin_object(writer, name);
    json_write_boolean(writer, "is_null_", is_null);
    json_end_object(writer);
}

static void write_instant(JsonWriter *writer, const char *name, int64_t wall_ms)
{
    char text[INSTANT_TEXT_SIZE];
    instant_format(wall_ms, text);
    json_write_text(writer, name, text);
}

static void write_ended(const Inventory *inventory, JsonWriter *writer)
{
    const Tail *tail = &inventory->tails[TAIL_RAN];
    int64_t after = tail_after(tail);
    json_begin_object(writer, "flow_runs");
    write_state(writer, end_state_types, END_STATES);
    if (inventory->old || (!after && !tail->before)) {
        write_null(writer, inventory->old ? "start_time" : "end_time", false);
    } else {
        json_begin_object(writer, "end_time");
        write_instant(writer, "after_", after);
        if (tail->before) {
            write_instant(writer, "before_", tail->before);
        }
        json_end_object(writer);
    }
    json_end_object(writer);
    json_write_text(writer, "sort", "END_TIME_DESC");
}

static void write_never_ran(const Inventory *inventory, JsonWriter *writer)
{
    json_begin_object(writer, "flow_runs");
    write_state(writer, end_state_types, END_STATES);
    write_null(writer, inventory->old ? "start_time" : "end_time", true);
    json_end_object(writer);
    json_write_text(writer, "sort", "EXPECTED_START_TIME_DESC");
}

static void write_active(const Inventory *inventory, JsonWriter *writer)
{
    static const char *const types[] = {"PENDING", "RUNNING", "CANCELLING"};
    (void)inventory;
    json_begin_object(writer, "flow_runs");
    write_state(writer, types, sizeof types / sizeof *types);
    json_end_object(writer);
    json_write_text(writer, "sort", "EXPECTED_START_TIME_ASC");
}

static void write_late(const Inventory *inventory, JsonWriter *writer)
{
    static const char *const type = "SCHEDULED", *const name = "Late";
    (void)inventory;
    json_begin_object(writer, "flow_runs");
    json_begin_object(writer, "state");
    write_names(writer, "type", &type, 1);
    write_names(writer, "name", &name, 1);
    json_end_object(writer);
    json_end_object(writer);
    json_write_text(writer, "sort", "EXPECTED_START_TIME_ASC");
}

static void write_paused(const Inventory *inventory, JsonWriter *writer)
{
    (void)inventory;
    json_begin_object(writer, "deployments");
    json_begin_object(writer, "paused");
    json_write_boolean(writer, "eq_", true);
    json_end_object(writer);
    json_end_object(writer);
}

/* New things come first, so that pages can only show one twice, not miss it. */
static void write_newest(const Inventory *inventory, JsonWriter *writer)
{
    (void)inventory;
    json_write_text(writer, "sort", "CREATED_DESC");
}

static void write_nothing(const Inventory *inventory, JsonWriter *writer)
{
    (void)inventory, (void)writer;
}

/* --- the table --- */

typedef struct QuestionKind {
    const char *path; /* NULL: see question_path */
    bool (*due)(const Inventory *inventory, Now now);
    void (*write)(const Inventory *inventory, JsonWriter *writer);
    int items_max; /* that are read; 0: the answer is a number */
    StockList list;
} QuestionKind;

static const QuestionKind kinds[QUESTIONS] = {
    [ASK_ENDED] = {"/flow_runs/filter", ended_due, write_ended, TAIL_RUNS_MAX, STOCK_LISTS},
    [ASK_NEVER_RAN_COUNT] = {"/flow_runs/count", never_ran_count_due, write_never_ran, 0, STOCK_LISTS},
    [ASK_NEVER_RAN] = {"/flow_runs/filter", never_ran_due, write_never_ran, TAIL_RUNS_MAX, STOCK_LISTS},
    [ASK_ACTIVE] = {"/flow_runs/filter", always, write_active, INVENTORY_FLOW_RUNS_MAX, STOCK_ACTIVE},
    [ASK_LATE_COUNT] = {"/flow_runs/count", always, write_late, 0, STOCK_LISTS},
    [ASK_LATE] = {"/flow_runs/filter", late_due, write_late, INVENTORY_FLOW_RUNS_MAX, STOCK_LATE},
    [ASK_DEPLOYMENT_COUNT] = {"/deployments/count", always, write_nothing, 0, STOCK_LISTS},
    [ASK_PAUSED_COUNT] = {"/deployments/count", always, write_paused, 0, STOCK_LISTS},
    [ASK_FLOWS] = {"/flows/filter", deployments_due, write_newest, INVENTORY_DEPLOYMENTS_MAX, STOCK_FLOWS},
    [ASK_DEPLOYMENTS] = {"/deployments/filter", deployments_next, write_newest, INVENTORY_DEPLOYMENTS_MAX,
                         STOCK_DEPLOYMENTS},
    [ASK_POOLS] = {"/work_pools/filter", pools_due, write_nothing, INVENTORY_POOLS_MAX, STOCK_POOLS},
    [ASK_QUEUES] = {"/work_queues/filter", queues_due, write_nothing, INVENTORY_QUEUES_MAX, STOCK_QUEUES},
    [ASK_WORKERS] = {NULL, workers_due, write_nothing, INVENTORY_WORKERS_MAX, STOCK_WORKERS},
};

bool question_due(const Inventory *inventory, Question question, Now now)
{
    return kinds[question].due(inventory, now);
}

bool question_lists(Question question)
{
    return kinds[question].items_max > 0;
}

/* Of the pool whose turn it is. */
static const char *workers_path(Inventory *inventory)
{
    const StockItems *pools = &inventory->stock.shown[STOCK_POOLS];
    const WorkPool *pool = pools->items[inventory->next_pool % pools->count];
    Buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, "/work_pools/");
    url_encode(&path, pool->name);
    buffer_text(&path, "/workers/filter");
    free(inventory->path);
    inventory->path = buffer_take(&path);
    stock_read_workers(&inventory->stock, pool->name);
    return inventory->path;
}

const char *question_path(Inventory *inventory, Question question)
{
    return kinds[question].path ? kinds[question].path : workers_path(inventory);
}

static bool is_probe(const Inventory *inventory, Question question)
{
    return question == ASK_ENDED && inventory->tails[TAIL_RAN].probing;
}

void question_write(const Inventory *inventory, Question question, JsonWriter *writer)
{
    kinds[question].write(inventory, writer);
    if (question_lists(question)) {
        bool probe = is_probe(inventory, question);
        json_write_integer(writer, "limit", probe ? 1 : inventory->limits[question]);
        json_write_integer(writer, "offset", probe ? TAIL_STRETCH_RUNS - 1 : inventory->offsets[question]);
    }
}

/* --- what an answer changes --- */

static bool take_ended(Inventory *inventory, InventoryTail tail, const Json *item)
{
    EndedRun run;
    if (!ended_run_read(item, &run)) {
        return false;
    }
    tail_take(&inventory->tails[tail], &run);
    return true;
}

bool question_take(Inventory *inventory, Question question, const Json *item)
{
    StockList list = kinds[question].list;
    if (is_probe(inventory, question)) {
        return true;
    }
    if (list == STOCK_LISTS) {
        return take_ended(inventory, question == ASK_ENDED ? TAIL_RAN : TAIL_NEVER_RAN, item);
    }
    return stock_take(&inventory->stock, list, item);
}

void question_number(Inventory *inventory, Question question, int64_t number)
{
    bool changed = number != inventory->numbers[question];
    inventory->numbers[question] = number;
    if (question == ASK_DEPLOYMENT_COUNT || question == ASK_PAUSED_COUNT) {
        inventory->deployments_changed = inventory->deployments_changed || changed;
    } else if (question == ASK_LATE_COUNT && number == 0) {
        stock_end(&inventory->stock, STOCK_LATE); /* nothing of it has been read: nothing is late */
        inventory->late_read = 0;
    }
}

static void choose_deployments(Inventory *inventory)
{
    const StockItems *deployments = &inventory->stock.shown[STOCK_DEPLOYMENTS];
    for (size_t i = 0; i < deployments->count; i++) {
        ListedDeployment *deployment = deployments->items[i];
        deployment->wanted = inventory_wants(inventory, deployment->name);
    }
}

static void list_read(Inventory *inventory, Question question, Now now)
{
    switch (question) {
    case ASK_LATE:
        inventory->late_read = inventory->numbers[ASK_LATE_COUNT];
        inventory->late_due = now.boot_ms + SLOW_MS;
        break;
    case ASK_FLOWS:
        inventory->flows_read = true;
        break;
    case ASK_DEPLOYMENTS:
        inventory->flows_read = inventory->deployments_changed = false;
        inventory->deployments_read = now.boot_ms;
        inventory->deployments_due = now.boot_ms + DEPLOYMENTS_MS;
        choose_deployments(inventory);
        counting_deployments(inventory);
        break;
    case ASK_POOLS:
        inventory->pools_due = now.boot_ms + SLOW_MS;
        break;
    case ASK_QUEUES:
        inventory->queues_due = now.boot_ms + SLOW_MS;
        break;
    case ASK_WORKERS:
        inventory->next_pool++;
        break;
    default:
        break;
    }
}

bool question_page(Inventory *inventory, Question question, int items, Now now)
{
    StockList list = kinds[question].list;
    inventory->offsets[question] += is_probe(inventory, question) ? 0 : items;
    if (list == STOCK_LISTS) {
        return counting_page(inventory, question == ASK_ENDED ? TAIL_RAN : TAIL_NEVER_RAN, items, now);
    }
    if (items >= inventory->limits[question] && inventory->offsets[question] < kinds[question].items_max) {
        return true;
    }
    inventory->offsets[question] = 0;
    stock_end(&inventory->stock, list);
    list_read(inventory, question, now);
    return question == ASK_WORKERS;
}

void question_drop(Inventory *inventory, Question question)
{
    StockList list = kinds[question].list;
    inventory->offsets[question] = 0;
    if (list != STOCK_LISTS) {
        stock_drop(&inventory->stock, list);
    } else if (question_lists(question)) {
        tail_drop(&inventory->tails[question == ASK_ENDED ? TAIL_RAN : TAIL_NEVER_RAN]);
    }
    if (question == ASK_DEPLOYMENTS) {
        stock_drop(&inventory->stock, STOCK_FLOWS);
    }
    inventory->flows_read = inventory->flows_read && question != ASK_DEPLOYMENTS;
}

void question_put_off(Inventory *inventory, Question question, Now now)
{
    question_drop(inventory, question);
    int64_t *const dues[QUESTIONS] = {
        [ASK_LATE] = &inventory->late_due,
        [ASK_FLOWS] = &inventory->deployments_due,
        [ASK_DEPLOYMENTS] = &inventory->deployments_due,
        [ASK_POOLS] = &inventory->pools_due,
        [ASK_QUEUES] = &inventory->queues_due,
    };
    if (dues[question]) {
        *dues[question] = now.boot_ms + SLOW_MS;
    }
    inventory->next_pool += question == ASK_WORKERS;
}
