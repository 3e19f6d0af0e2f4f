/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/reading.h"
#include "base/memory.h"
#include "prefect/replies.h"

void reading_init(Reading *reading, const char *text, size_t length, bool keep, size_t item_max)
{
    *reading = (Reading){.keep = keep, .item_max = item_max, .is_json = true};
    items_init(&reading->items, text, length);
}

void reading_release(Reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        flow_run_release(&reading->flow_runs[i]);
    }
    free(reading->flow_runs);
    *reading = (Reading){0};
}

static void fail(Reading *reading, bool is_json)
{
    for (size_t i = 0; i < reading->count; i++) {
        flow_run_release(&reading->flow_runs[i]);
    }
    reading->count = 0;
    reading->is_json = is_json;
}

static bool read_item(Reading *reading, const char *item, size_t length)
{
    if (length > reading->item_max) {
        reading->skipped++;
        return true;
    }
    auto_json *json = json_parse(item, length, &reading->error);
    FlowRun flow_run;
    if (json && reading->take) {
        return reading->take(reading->user, json) ||
               error_set(&reading->error, ERROR_INVALID, "the answer holds an item that makes no sense");
    }
    if (!json || !reply_flow_run(json, reading->keep, &flow_run, &reading->error)) {
        fail(reading, json != NULL);
        return false;
    }
    array_push(reading->flow_runs, reading->count, reading->capacity) = flow_run;
    return true;
}

bool reading_step(Reading *reading, size_t *budget)
{
    const char *item;
    size_t length;
    ItemStep step;
    while ((step = items_next(&reading->items, budget, &item, &length)) == ITEM_FOUND) {
        if (!read_item(reading, item, length)) {
            return true;
        }
    }
    if (step == ITEM_WRONG) {
        error_set(&reading->error, ERROR_INVALID, "not a JSON list at byte %zu", reading->items.at);
        fail(reading, false);
    }
    return step != ITEM_PENDING;
}
