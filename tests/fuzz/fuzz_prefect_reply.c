/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/reading.h"
#include "prefect/replies.h"
#include "prefect/report.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    enum { SLICE = 7 };
    Reading reading;
    reading_init(&reading, (const char *)bytes, length, true, length);
    for (size_t budget = SLICE; !reading_step(&reading, &budget);) {
        budget = SLICE;
    }
    reading_release(&reading);
    Json *json = json_parse((const char *)bytes, length, NULL);
    CollectedReport report;
    if (json && report_collect(json, json, &report, NULL)) {
        collected_report_release(&report);
    }
    free(json ? reply_reason(json) : NULL);
    json_free(json);
    return 0;
}
