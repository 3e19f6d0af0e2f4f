/* SPDX-License-Identifier: Apache-2.0 */
/* The closed lists that the API, the metrics and the journal show: states, reasons, triggers. The numbers of State are
 * those of
 * `*_state_code` and never change. */
#ifndef SENDPOST_ENGINE_STATE_H
#define SENDPOST_ENGINE_STATE_H

#include <stdbool.h>

typedef enum State {
    STATE_NEVER_RUN,
    STATE_WAITING,
    STATE_BLOCKED,
    STATE_SCHEDULED,
    STATE_PENDING,
    STATE_RUNNING,
    STATE_PAUSED,
    STATE_CANCELLING,
    STATE_COMPLETED,
    STATE_FAILED,
    STATE_CRASHED,
    STATE_CANCELLED,
    STATE_SKIPPED,
    STATES
} State;
extern const char *const state_names[STATES];

static inline bool state_is_end(State state)
{
    return state >= STATE_COMPLETED;
}

/* REASON_NONE: not ended, completed, or skipped. Its name is NULL. */
typedef enum Reason {
    REASON_NONE,
    REASON_FAILED,
    REASON_CRASHED,
    REASON_CANCELLED,
    REASON_TIMED_OUT,
    REASON_NOT_OBSERVED,
    REASON_REJECTED,
    REASON_LOST,
    REASONS
} Reason;
extern const char *const reason_names[REASONS];

typedef enum Trigger { TRIGGER_API, TRIGGER_SCHEDULE, TRIGGER_WEBHOOK, TRIGGER_RETRY, TRIGGERS } Trigger;
extern const char *const trigger_names[TRIGGERS];

typedef enum Verdict {
    VERDICT_STARTED,
    VERDICT_CAUGHT_UP,
    VERDICT_MISSED,
    VERDICT_SKIPPED,
    VERDICT_DISABLED,
    VERDICTS
} Verdict;
extern const char *const verdict_names[VERDICTS];

typedef enum Refusal {
    REFUSAL_RUNNING,
    REFUSAL_DISABLED,
    REFUSAL_PARAMETERS,
    REFUSAL_QUEUE_FULL,
    REFUSAL_UNAVAILABLE,
    REFUSALS
} Refusal;
extern const char *const refusal_names[REFUSALS];

/* Prefect's state types; the name of a state is free text and decides nothing. */
typedef enum PrefectType {
    PREFECT_SCHEDULED,
    PREFECT_PENDING,
    PREFECT_RUNNING,
    PREFECT_PAUSED,
    PREFECT_CANCELLING,
    PREFECT_COMPLETED,
    PREFECT_FAILED,
    PREFECT_CRASHED,
    PREFECT_CANCELLED,
    PREFECT_TYPES
} PrefectType;
extern const char *const prefect_type_names[PREFECT_TYPES]; /* "SCHEDULED", ... */

/* The index of `name` in a list of names, or -1. */
int name_index(const char *const *names, int count, const char *name);

#endif
