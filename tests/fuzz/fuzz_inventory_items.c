/* SPDX-License-Identifier: Apache-2.0 */
/* [[…], …]: Prefect's replies to the questions of an inventory in turn, lists and numbers; a text instead refuses with
 * it, null is no answer. */
#include "inventory/inventory.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { ANSWERS_MAX = 200, ROUND_MS = 1000 };

static InventoryAnswer answer_of(Inventory *inventory, const InventoryQuestion *question, const Json *reply)
{
    InventoryAnswer answer = {.status = 200, .whole = true, .number = reply, .message = json_text(reply)};
    if (!reply || json_type(reply) == JSON_NULL) {
        return (InventoryAnswer){.message = "no answer"};
    }
    if (answer.message) {
        answer.status = 422;
        answer.whole = false;
    }
    for (const Json *item = question->lists ? json_first(reply) : NULL; item && answer.whole; item = json_next(item)) {
        answer.whole = inventory_item(inventory, item);
    }
    return answer;
}

static void take_answer(Inventory *inventory, const InventoryQuestion *question, const Json *reply, Now now)
{
    Error error = {0};
    InventoryAnswer answer = answer_of(inventory, question, reply);
    inventory_answer(inventory, &answer, now, &error);
    if (inventory_change(inventory)) {
        inventory_committed(inventory);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const all[] = {"*"};
    auto_json *replies = json_parse((const char *)bytes, length, NULL);
    Inventory *inventory = inventory_new(&(InventoryOptions){ROUND_MS, all, 1});
    Now now = {1700000000000, 1};
    const Json *reply = json_first(replies);
    for (int i = 0; i < ANSWERS_MAX && reply; i++) {
        InventoryQuestion question;
        if (inventory_ask(inventory, now, &question)) {
            take_answer(inventory, &question, reply, now);
            reply = json_next(reply);
        }
        now.boot_ms += ROUND_MS / 2;
    }
    InventoryView view = inventory_view(inventory);
    stock_late_cause(view.stock, NULL);
    inventory_free(inventory);
    return 0;
}
