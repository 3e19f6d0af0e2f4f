/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What is accepted prints as something that is accepted, and prints the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Json *json = json_parse((const char *)bytes, length, NULL);
    if (json) {
        Buffer first, second;
        buffer_init(&first, 64 << 20);
        buffer_init(&second, 64 << 20);
        json_print_canonical(json, &first);
        Json *again = json_parse(first.bytes, first.length, NULL);
        invariant(again);
        json_print_canonical(again, &second);
        invariant(text_equal(first.bytes, second.bytes));
        json_free(again);
        buffer_release(&first);
        buffer_release(&second);
    }
    json_free(json);
    return 0;
}
