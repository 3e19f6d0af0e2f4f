/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of questions. What Prefect does not answer ends the round: the next one begins anew, from what was counted. */
#include "inventory/inventory.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "inventory/internal.h"
#include <fnmatch.h>
#include <string.h>

enum { QUESTION_SIZE_MAX = 4096 };

static void limits_reset(Inventory *inventory)
{
    for (int question = 0; question < QUESTIONS; question++) {
        inventory->limits[question] = POLL_BATCH_MAX;
    }
    inventory->old = false;
}

Inventory *inventory_new(const InventoryOptions *options)
{
    Inventory *inventory = memory_new(sizeof *inventory);
    inventory->interval_ms = options->interval_ms;
    inventory->glob_count = options->deployment_count;
    inventory->globs = memory_new(options->deployment_count * sizeof *inventory->globs);
    for (size_t i = 0; i < options->deployment_count; i++) {
        inventory->globs[i] = text_copy(options->deployments[i]);
    }
    for (int tail = 0; tail < TAILS; tail++) {
        tail_init(&inventory->tails[tail]);
    }
    for (int question = 0; question < QUESTIONS; question++) {
        inventory->numbers[question] = -1;
    }
    inventory->never_ran = inventory->late_read = -1;
    inventory->counted = map_new(1);
    inventory->question = QUESTIONS;
    inventory->version = 1;
    stock_init(&inventory->stock);
    limits_reset(inventory);
    buffer_init(&inventory->body, QUESTION_SIZE_MAX);
    return inventory;
}

void inventory_free(Inventory *inventory)
{
    if (!inventory) {
        return;
    }
    for (int tail = 0; tail < TAILS; tail++) {
        tail_release(&inventory->tails[tail]);
    }
    for (size_t i = 0; i < inventory->glob_count; i++) {
        free(inventory->globs[i]);
    }
    free(inventory->globs);
    free(inventory->path);
    counting_free(inventory);
    stock_release(&inventory->stock);
    buffer_release(&inventory->body);
    free(inventory);
}

/* --- asking --- */

static void begin_round(Inventory *inventory)
{
    inventory->question = 0;
    memset(inventory->requests, 0, sizeof inventory->requests);
}

static void end_round(Inventory *inventory, Now now)
{
    inventory->question = QUESTIONS;
    inventory->due = now.boot_ms + inventory->interval_ms;
}

/* What is shown of it is what was read before that, or nothing. */
static bool anything_refused(const Inventory *inventory)
{
    bool any = false;
    for (int question = 0; question < QUESTIONS; question++) {
        any = any || inventory->refused[question];
    }
    return any;
}

/* Goes over what is not due; false: the round is over. */
static bool find_question(Inventory *inventory, Now now)
{
    while (inventory->question < QUESTIONS && !question_due(inventory, inventory->question, now)) {
        inventory->question++;
    }
    if (inventory->question == QUESTIONS) {
        inventory->round_at = anything_refused(inventory) ? inventory->round_at : now.wall_ms;
        end_round(inventory, now);
        return false;
    }
    return true;
}

static void write_body(Inventory *inventory)
{
    JsonWriter writer;
    buffer_clear(&inventory->body);
    json_writer_init(&writer, &inventory->body);
    json_begin_object(&writer, NULL);
    question_write(inventory, inventory->question, &writer);
    json_end_object(&writer);
    invariant(!inventory->body.overflow);
}

bool inventory_ask(Inventory *inventory, Now now, InventoryQuestion *question)
{
    if (inventory->asking || inventory->changed) {
        return false;
    }
    if (inventory->question == QUESTIONS) {
        if (now.boot_ms < inventory->due) {
            return false;
        }
        begin_round(inventory);
    }
    if (!find_question(inventory, now)) {
        return false;
    }
    *question = (InventoryQuestion){.path = question_path(inventory, inventory->question),
                                    .lists = question_lists(inventory->question)};
    write_body(inventory);
    question->body = inventory->body.bytes;
    inventory->requests[inventory->question]++;
    inventory->items = 0;
    inventory->asking = true;
    return true;
}

int64_t inventory_deadline(const Inventory *inventory)
{
    if (inventory->asking) {
        return TIME_NEVER;
    }
    return inventory->question == QUESTIONS ? inventory->due : 0;
}

bool inventory_item(Inventory *inventory, const Json *item)
{
    invariant(inventory->asking);
    inventory->items++;
    return question_take(inventory, inventory->question, item);
}

/* --- answers --- */

static void take_answer(Inventory *inventory, const Json *reply, Now now)
{
    Question question = inventory->question;
    inventory->refused[question] = false;
    inventory->version++;
    if (!question_lists(question)) {
        int64_t number = -1;
        json_integer(reply, &number);
        question_number(inventory, question, number);
        inventory->question++;
        return;
    }
    if (!question_page(inventory, question, inventory->items, now)) {
        inventory->question++;
    }
}

/* More than is read at once, or than Prefect is set to answer. */
static bool is_too_much(const InventoryAnswer *answer)
{
    return answer->too_large || (answer->status == 422 && answer->message && strcasestr(answer->message, "limit"));
}

static void ask_for_less(Inventory *inventory)
{
    int *limit = &inventory->limits[inventory->question];
    if (*limit > 1) {
        *limit /= 2;
    } else {
        inventory->offsets[inventory->question]++; /* this one cannot be read at all */
    }
}

/* Prefect 2 does not know the filter. */
static bool is_old(const Inventory *inventory, const InventoryAnswer *answer)
{
    return !inventory->old && answer->status == 422 && answer->message && strstr(answer->message, "end_time");
}

/* 4xx that come again however often one asks; and what was not understood. */
static bool is_refusal(int status)
{
    return status == 200 ||
           (status >= 400 && status < 500 && status != 401 && status != 408 && status != 425 && status != 429);
}

static bool refuse(Inventory *inventory, const InventoryAnswer *answer, Now now, Error *error)
{
    Question question = inventory->question++;
    bool known = inventory->refused[question];
    inventory->refused[question] = true;
    question_put_off(inventory, question, now);
    return known || error_set(error, ERROR_INVALID, "Prefect answered %d: %s", answer->status,
                              answer->message ? answer->message : "not what was asked for");
}

bool inventory_answer(Inventory *inventory, const InventoryAnswer *answer, Now now, Error *error)
{
    invariant(inventory->asking);
    inventory->asking = false;
    int64_t number;
    bool sense = answer->whole && (question_lists(inventory->question) || json_integer(answer->number, &number));
    if (sense) {
        take_answer(inventory, answer->number, now);
    } else if (is_too_much(answer)) {
        ask_for_less(inventory);
    } else if (is_old(inventory, answer)) {
        question_drop(inventory, inventory->question);
        inventory->old = true;
    } else if (is_refusal(answer->status)) {
        return refuse(inventory, answer, now, error);
    } else {
        question_drop(inventory, inventory->question);
        limits_reset(inventory); /* it may be another one when it is back */
        end_round(inventory, now);
    }
    return true;
}

/* --- what is shown --- */

uint64_t inventory_version(const Inventory *inventory)
{
    return inventory->version;
}

InventoryView inventory_view(const Inventory *inventory)
{
    int64_t late = inventory->numbers[ASK_LATE_COUNT];
    return (InventoryView){
        .stock = &inventory->stock,
        .round_at = inventory->round_at,
        .counted_to = inventory->tails[TAIL_RAN].cursor,
        .late = late > 0 ? (uint64_t)late : 0,
        .gaps = inventory->gaps,
    };
}

bool inventory_wants(const Inventory *inventory, const char *deployment_name)
{
    for (size_t i = 0; i < inventory->glob_count; i++) {
        if (fnmatch(inventory->globs[i], deployment_name, 0) == 0) {
            return true;
        }
    }
    return false;
}
