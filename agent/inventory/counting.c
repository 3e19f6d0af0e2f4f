/* SPDX-License-Identifier: Apache-2.0 */
/* Totals by deployment. What a pass has found is added to copies, which take the place of the totals when they have
 * been written. */
#include "base/memory.h"
#include "inventory/internal.h"

enum { ABSENT_MAX = 2 }; /* a deployment may be missed while pages shift */

const char *const inventory_tail_names[TAILS] = {"ran", "never_ran"};

static Counted *counted_of(Inventory *inventory, const char *deployment_id)
{
    Counted *counted = map_find(inventory->counted, deployment_id);
    if (!counted) {
        counted = memory_new(sizeof *counted);
        map_put(inventory->counted, deployment_id, counted);
    }
    return counted;
}

void inventory_restore(Inventory *inventory, InventoryTail tail, int64_t begin, int64_t cursor)
{
    tail_restore(&inventory->tails[tail], begin, cursor);
}

void inventory_restore_seen(Inventory *inventory, InventoryTail tail, const char *id, int64_t ended_at)
{
    tail_restore_seen(&inventory->tails[tail], id, ended_at);
}

void inventory_restore_totals(Inventory *inventory, const char *deployment_id, const EndTotals *totals)
{
    counted_of(inventory, deployment_id)->totals = *totals;
}

EndTotals inventory_totals(const Inventory *inventory, const char *deployment_id)
{
    const Counted *counted = map_find(inventory->counted, deployment_id);
    return counted ? counted->totals : (EndTotals){0};
}

const InventoryChange *inventory_change(const Inventory *inventory)
{
    return inventory->changed ? &inventory->change : NULL;
}

/* The totals with what the pass has found. */
static void add_totals(Inventory *inventory, const TailChange *change, InventoryChange *out)
{
    size_t count = 0;
    Map *places = map_new(1);
    inventory->totals = memory_new(change->count * sizeof *inventory->totals);
    for (size_t i = 0; change->counts && i < change->count; i++) {
        const EndedRun *run = change->runs[i];
        CountedTotals *totals = map_find(places, run->deployment_id);
        if (!totals) {
            totals = &inventory->totals[count++];
            *totals = (CountedTotals){run->deployment_id, inventory_totals(inventory, run->deployment_id)};
            map_put(places, run->deployment_id, totals);
        }
        end_totals_count(&totals->totals, run);
    }
    map_free(places);
    out->totals = inventory->totals;
    out->total_count = count;
}

static void change_release(Inventory *inventory)
{
    free(inventory->totals);
    inventory->totals = NULL;
    inventory->changed = false;
}

/* A pass that has found nothing new costs no transaction. */
static bool is_nothing(const Inventory *inventory, InventoryTail tail, const TailChange *change)
{
    const Tail *before = &inventory->tails[tail];
    return before->begun && change->count == 0 && change->cursor == before->cursor && inventory->gone_count == 0;
}

static void pass_is_over(Inventory *inventory, InventoryTail tail)
{
    if (tail == TAIL_NEVER_RAN) {
        inventory->never_ran = inventory->numbers[ASK_NEVER_RAN_COUNT];
    }
}

/* Whether the pass goes on. */
static bool pass_goes_on(Inventory *inventory, InventoryTail which, int items)
{
    bool ran = which == TAIL_RAN;
    Question question = ran ? ASK_ENDED : ASK_NEVER_RAN;
    Tail *tail = &inventory->tails[which];
    TailStep step = tail->probing ? tail_probed(tail, items > 0)
                                  : tail_page(tail, items >= inventory->limits[question], ran, !inventory->old);
    if (step == TAIL_NEXT_PAGE || step == TAIL_PROBE) {
        return true;
    }
    inventory->offsets[question] = 0;
    return step == TAIL_AGAIN;
}

bool counting_page(Inventory *inventory, InventoryTail tail, int items, Now now)
{
    if (pass_goes_on(inventory, tail, items)) {
        return true;
    }
    InventoryChange *change = &inventory->change;
    *change = (InventoryChange){.tail = tail, .gone = inventory->gone, .gone_count = inventory->gone_count};
    tail_change(&inventory->tails[tail], now.wall_ms, &change->change);
    if (is_nothing(inventory, tail, &change->change)) {
        pass_is_over(inventory, tail);
        tail_drop(&inventory->tails[tail]);
        return false;
    }
    add_totals(inventory, &change->change, change);
    inventory->changed = true;
    return change->change.behind;
}

static void forget_gone(Inventory *inventory)
{
    for (size_t i = 0; i < inventory->gone_count; i++) {
        free(map_remove(inventory->counted, inventory->gone[i]));
        free(inventory->gone[i]);
    }
    inventory->gone_count = 0;
}

void inventory_committed(Inventory *inventory)
{
    const InventoryChange *change = &inventory->change;
    for (size_t i = 0; i < change->total_count; i++) {
        counted_of(inventory, change->totals[i].deployment_id)->totals = change->totals[i].totals;
    }
    inventory->gaps += change->change.gap;
    inventory->version++;
    pass_is_over(inventory, change->tail);
    forget_gone(inventory);
    tail_commit(&inventory->tails[change->tail], &change->change);
    change_release(inventory);
}

void inventory_dropped(Inventory *inventory, Now now)
{
    tail_drop(&inventory->tails[inventory->change.tail]);
    change_release(inventory);
    inventory->question = QUESTIONS;
    inventory->due = now.boot_ms + inventory->interval_ms;
}

void counting_deployments(Inventory *inventory)
{
    const char *id;
    void *value;
    for (size_t at = 0; map_each(inventory->counted, &at, &id, &value);) {
        Counted *counted = value;
        bool listed = !*id || stock_deployment(&inventory->stock, id);
        counted->absent = listed ? 0 : counted->absent + 1;
        if (counted->absent == ABSENT_MAX) {
            array_push(inventory->gone, inventory->gone_count, inventory->gone_capacity) = text_copy(id);
        }
    }
}

void counting_free(Inventory *inventory)
{
    void *counted;
    for (size_t at = 0; map_each(inventory->counted, &at, NULL, &counted);) {
        free(counted);
    }
    map_free(inventory->counted);
    for (size_t i = 0; i < inventory->gone_count; i++) {
        free(inventory->gone[i]);
    }
    free(inventory->gone);
    free(inventory->totals);
}
