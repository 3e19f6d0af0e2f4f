/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/replies.h"
#include "prefect/report.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Json *json = json_parse((const char *)bytes, length, NULL);
    FlowRun *flow_runs = NULL;
    size_t count = 0;
    if (json && reply_flow_runs(json, true, &flow_runs, &count, NULL)) {
        for (size_t i = 0; i < count; i++) {
            flow_run_release(&flow_runs[i]);
        }
        free(flow_runs);
    }
    CollectedReport report;
    if (json && report_collect(json, json, &report, NULL)) {
        collected_report_release(&report);
    }
    free(json ? reply_reason(json) : NULL);
    json_free(json);
    return 0;
}
