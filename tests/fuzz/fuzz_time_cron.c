/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "time/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_free char *text = text_copy_length((const char *)bytes, length);
    Cron cron;
    if (text && cron_parse(text, &cron, NULL)) {
        cron_matches(&cron, 2, 29, 6, 23, 59);
    }
    return 0;
}
