/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of commands: the first byte chooses the command. What is read must have a digest that does not depend on the
 * reading. */
#include "api/body.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/text.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const CommandBody *body)
{
    invariant(!body->reason || text_characters(body->reason, strlen(body->reason)) <= REASON_TEXT_MAX);
    invariant(!body->from || text_characters(body->from, strlen(body->from)) <= PATH_MAX_LENGTH);
    invariant(!body->stage || text_characters(body->stage, strlen(body->stage)) <= PATH_MAX_LENGTH);
    invariant(!body->key || (body->key[0] && text_characters(body->key, strlen(body->key)) <= IDEMPOTENCY_KEY_MAX));
    invariant(!body->parameters || json_type(body->parameters) == JSON_OBJECT);
    invariant(body->for_at >= 0 && body->start_at >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HappeningKind kinds[] = {HAPPENED_TRIGGER, HAPPENED_CANCEL, HAPPENED_PAUSE, HAPPENED_RESUME,
                                          HAPPENED_BLOCK,   HAPPENED_STEP,   HAPPENED_RETRY};
    if (size == 0 || size > REQUEST_BODY_MAX) {
        return 0;
    }
    HappeningKind kind = kinds[data[0] % (sizeof kinds / sizeof *kinds)];
    CommandBody body, again;
    Error error = {0};
    if (!command_body_read(kind, (const char *)data + 1, size - 1, &body, &error)) {
        invariant(error.kind != ERROR_NONE && error.text[0]);
        return 0;
    }
    check_bounds(&body);
    char one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE];
    command_body_digest(&body, one);
    Buffer printed;
    buffer_init(&printed, 8 * (size_t)REQUEST_BODY_MAX);
    if (body.json) {
        json_print_canonical(body.json, &printed);
    }
    invariant(command_body_read(kind, printed.bytes, printed.length, &again, &error));
    command_body_digest(&again, two);
    invariant(strcmp(one, two) == 0);
    buffer_release(&printed);
    command_body_release(&body);
    command_body_release(&again);
    return 0;
}
