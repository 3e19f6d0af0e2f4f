/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/records.h"
#include "base/memory.h"

const char *const event_type_names[EVENT_TYPES] = {
    "run.created",       "run.state",          "stage.state",       "definition.loaded",
    "definition.broken", "definition.retired", "prefect.reachable", "prefect.unreachable",
};

void attempt_record_release(AttemptRecord *attempt)
{
    free(attempt->message);
    free(attempt->deployment_id);
    free(attempt->key);
    free(attempt->body);
    free(attempt->flow_run_id);
    free(attempt->flow_run_name);
    free(attempt->prefect_name);
    free(attempt->prefect_message);
    *attempt = (AttemptRecord){0};
}

AttemptRecord attempt_record_copy(const AttemptRecord *from)
{
    AttemptRecord to = *from;
    to.message = text_copy(from->message);
    to.deployment_id = text_copy(from->deployment_id);
    to.key = text_copy(from->key);
    to.body = text_copy(from->body);
    to.flow_run_id = text_copy(from->flow_run_id);
    to.flow_run_name = text_copy(from->flow_run_name);
    to.prefect_name = text_copy(from->prefect_name);
    to.prefect_message = text_copy(from->prefect_message);
    to.dirty = false;
    return to;
}

void stage_record_release(StageRecord *stage)
{
    for (size_t i = 0; i < stage->attempt_count; i++) {
        attempt_record_release(&stage->attempts[i]);
    }
    free(stage->attempts);
    free(stage->message);
    free(stage->deployment_id);
    free(stage->deployment_name);
    free(stage->parameters);
    free(stage->former_flow_run);
    *stage = (StageRecord){0};
}

void failure_free(Failure *failure)
{
    if (failure) {
        free(failure->stage);
        free(failure->message);
        free(failure->task_name);
        free(failure->task_message);
        free(failure->logs);
        free(failure->flow_run_id);
        free(failure->flow_run_url);
        free(failure);
    }
}

Failure *failure_copy(const Failure *failure)
{
    Failure *copy = memory_new(sizeof *copy);
    copy->stage = text_copy(failure->stage);
    copy->reason = failure->reason;
    copy->message = text_copy(failure->message);
    copy->task_name = text_copy(failure->task_name);
    copy->task_message = text_copy(failure->task_message);
    copy->logs = text_copy(failure->logs);
    copy->flow_run_id = text_copy(failure->flow_run_id);
    copy->flow_run_url = text_copy(failure->flow_run_url);
    return copy;
}

void run_record_release(RunRecord *run)
{
    free(run->sendpost);
    free(run->parameters);
    free(run->triggered_by);
    free(run->trigger_reason);
    free(run->revision);
    free(run->from);
    failure_free(run->failure);
    *run = (RunRecord){0};
}

void run_record_copy(RunRecord *to, const RunRecord *from)
{
    *to = *from;
    to->sendpost = text_copy(from->sendpost);
    to->parameters = text_copy(from->parameters);
    to->triggered_by = text_copy(from->triggered_by);
    to->trigger_reason = text_copy(from->trigger_reason);
    to->revision = text_copy(from->revision);
    to->from = text_copy(from->from);
    to->failure = from->failure ? failure_copy(from->failure) : NULL;
}

void event_record_release(EventRecord *event)
{
    free(event->sendpost);
    free(event->run);
    free(event->stage);
    free(event->detail);
    *event = (EventRecord){0};
}
