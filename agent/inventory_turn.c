/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory in the loop: its questions go to Prefect, what it counts into the journal. */
#include "base/log.h"
#include "loop.h"

static bool take_item(void *user, const Json *item)
{
    return inventory_item(user, item);
}

void loop_take_inventory(Loop *loop, const PrefectFetched *fetched, Now now)
{
    Error error = {0};
    InventoryAnswer answer = {
        .status = fetched->status,
        .whole = fetched->status == 200 && !fetched->message,
        .too_large = fetched->too_large,
        .number = fetched->body,
        .message = fetched->message,
    };
    if (!inventory_answer(loop->inventory, &answer, now, &error)) {
        log_line(LOG_WARN, "a part of Prefect's inventory cannot be read", "cause", error.text, NULL);
    }
}

/* After the turn's own commit: nothing depends on what is counted. */
static void write_inventory(Loop *loop, Now now)
{
    const InventoryChange *change = inventory_change(loop->inventory);
    if (!change) {
        return;
    }
    bool gap = change->change.gap;
    Error error = {0};
    if (loop->writable && journal_put_inventory(loop->journal, change, &error)) {
        inventory_committed(loop->inventory);
        if (gap) {
            log_line(LOG_WARN, "more flow runs had ended than can be read at once: the oldest are not counted", NULL);
        }
        return;
    }
    inventory_dropped(loop->inventory, now);
    if (loop->writable) {
        loop_commit_failed(loop, now, &error);
    }
}

void loop_turn_inventory(Loop *loop, Now now)
{
    if (!loop->inventory) {
        return;
    }
    write_inventory(loop, now);
    InventoryQuestion asked;
    if (loop->writable && !loop->stopping && inventory_ask(loop->inventory, now, &asked)) {
        PrefectQuestion question = {
            .token = LOOP_INVENTORY_TOKEN,
            .path = asked.path,
            .body = asked.body,
            .take = asked.lists ? take_item : NULL,
            .user = loop->inventory,
        };
        prefect_client_ask(loop->prefect, &question);
    }
}

bool loop_open_inventory(Loop *loop, Error *error)
{
    const Configuration *configuration = loop->configuration;
    if (!configuration->prefect_inventory_enabled) {
        return true;
    }
    InventoryOptions options = {
        .interval_ms = configuration->prefect_inventory_interval_ms,
        .deployments = (const char *const *)configuration->prefect_inventory_deployments.items,
        .deployment_count = configuration->prefect_inventory_deployments.count,
    };
    loop->inventory = inventory_new(&options);
    return journal_restore_inventory(loop->journal, loop->inventory, error);
}
