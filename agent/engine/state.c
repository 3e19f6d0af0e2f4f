/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/state.h"
#include <stddef.h>
#include <string.h>

const char *const state_names[STATES] = {"never_run", "waiting",   "blocked",    "scheduled", "pending",
                                         "running",   "paused",    "cancelling", "completed", "failed",
                                         "crashed",   "cancelled", "skipped"};
const char *const reason_names[REASONS] = {NULL,        "failed",       "crashed",  "cancelled",
                                           "timed_out", "not_observed", "rejected", "lost"};
const char *const trigger_names[TRIGGERS] = {"api", "schedule", "webhook", "retry"};
const char *const verdict_names[VERDICTS] = {"started", "caught_up", "missed", "skipped", "disabled"};
const char *const refusal_names[REFUSALS] = {"running", "disabled", "parameters", "queue_full", "unavailable"};
const char *const prefect_type_names[PREFECT_TYPES] = {"SCHEDULED", "PENDING", "RUNNING", "PAUSED",   "CANCELLING",
                                                       "COMPLETED", "FAILED",  "CRASHED", "CANCELLED"};

int name_index(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count && name; i++) {
        if (names[i] && strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
