/* SPDX-License-Identifier: Apache-2.0 */
/* A failure report out of what Prefect says of a failed flow run: its failed task runs, its error logs. */
#ifndef SENDPOST_PREFECT_REPORT_H
#define SENDPOST_PREFECT_REPORT_H

#include "base/error.h"
#include "base/json.h"

/* Texts are new and may be NULL; logs is a JSON array. */
typedef struct CollectedReport {
    char *task_name, *task_message, *logs;
    bool complete;
} CollectedReport;

void collected_report_release(CollectedReport *report);

/* task_runs, logs: the answers of the two filters, logs newest first. */
bool report_collect(const Json *task_runs, const Json *logs, CollectedReport *report, Error *error);

#endif
