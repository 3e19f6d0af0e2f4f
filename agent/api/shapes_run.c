/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shapes.h"
#include "base/memory.h"
#include "engine/links.h"
#include <string.h>

void shape_time(JsonWriter *writer, const char *name, int64_t wall_ms)
{
    char text[INSTANT_TEXT_SIZE];
    if (wall_ms == 0) {
        json_write_null(writer, name);
        return;
    }
    instant_format(wall_ms, text);
    json_write_text(writer, name, text);
}

void shape_seconds(JsonWriter *writer, const char *name, int64_t milliseconds)
{
    if (milliseconds < 0) {
        json_write_null(writer, name);
    } else {
        json_write_number(writer, name, (double)milliseconds / 1000.0);
    }
}

/* -1 unless both are known. */
static int64_t duration_ms(int64_t started_at, int64_t ended_at)
{
    if (!started_at || !ended_at) {
        return -1;
    }
    return ended_at > started_at ? ended_at - started_at : 0;
}

void shape_failure(JsonWriter *writer, const char *name, const Failure *failure)
{
    if (!failure) {
        json_write_null(writer, name);
        return;
    }
    json_begin_object(writer, name);
    json_write_text(writer, "stage", failure->stage);
    json_write_text(writer, "reason", reason_names[failure->reason]);
    json_write_text(writer, "message", failure->message);
    if (failure->task_name) {
        json_begin_object(writer, "task");
        json_write_text(writer, "name", failure->task_name);
        json_write_text(writer, "message", failure->task_message);
        json_end_object(writer);
    } else {
        json_write_null(writer, "task");
    }
    json_write_raw(writer, "logs", failure->logs ? failure->logs : "[]");
    json_write_text(writer, "flow_run_url", failure->flow_run_url);
    json_end_object(writer);
}

static void summary_members(JsonWriter *writer, const RunRecord *run)
{
    bool measured = state_is_end(run->state) && run->started_at;
    json_write_text(writer, "id", run->id);
    json_write_text(writer, "sendpost", run->sendpost);
    json_write_text(writer, "state", state_names[run->state]);
    json_write_text(writer, "reason", reason_names[run->reason]);
    json_write_text(writer, "trigger", trigger_names[run->trigger]);
    shape_time(writer, "for", run->for_at);
    shape_time(writer, "start_at", run->start_at);
    shape_time(writer, "created_at", run->created_at);
    shape_time(writer, "started_at", run->started_at);
    shape_time(writer, "ended_at", run->ended_at);
    shape_seconds(writer, "duration_seconds", measured ? run->duration_ms : -1);
    shape_failure(writer, "failure", run->failure);
}

void shape_run_summary(JsonWriter *writer, const char *name, const RunRecord *run)
{
    if (!run) {
        json_write_null(writer, name);
        return;
    }
    json_begin_object(writer, name);
    summary_members(writer, run);
    json_end_object(writer);
}

/* --- stages --- */

static void write_flow_run(JsonWriter *writer, const AttemptRecord *attempt, const ShapeContext *context)
{
    if (!attempt || !attempt->flow_run_id) {
        json_write_null(writer, "flow_run");
        return;
    }
    auto_free char *url = flow_run_url(context->ui_url, attempt->flow_run_id);
    json_begin_object(writer, "flow_run");
    json_write_text(writer, "id", attempt->flow_run_id);
    json_write_text(writer, "name", attempt->flow_run_name);
    json_write_text(writer, "url", url);
    json_write_boolean(writer, "adopted", attempt->adopted);
    json_end_object(writer);
}

static void write_prefect_state(JsonWriter *writer, const AttemptRecord *attempt)
{
    if (!attempt || !attempt->flow_run_id) {
        json_write_null(writer, "prefect_state");
        return;
    }
    json_begin_object(writer, "prefect_state");
    json_write_text(writer, "type", prefect_type_names[attempt->prefect_type]);
    json_write_text(writer, "name", attempt->prefect_name);
    json_write_text(writer, "message", attempt->prefect_message);
    shape_time(writer, "timestamp", attempt->prefect_timestamp);
    json_end_object(writer);
}

static void write_attempts(JsonWriter *writer, const StageRecord *stage, const ShapeContext *context)
{
    json_begin_array(writer, "attempts");
    for (size_t i = 0; i < stage->attempt_count; i++) {
        const AttemptRecord *attempt = &stage->attempts[i];
        json_begin_object(writer, NULL);
        json_write_integer(writer, "number", attempt->number);
        json_write_text(writer, "state", state_names[attempt->state]);
        json_write_text(writer, "reason", reason_names[attempt->reason]);
        write_flow_run(writer, attempt, context);
        shape_time(writer, "started_at", attempt->started_at);
        shape_time(writer, "ended_at", attempt->ended_at);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* A deployment is known by its name or its id before Prefect says the other one. */
static void write_deployment(JsonWriter *writer, const Node *node, const StageRecord *stage)
{
    if (!node->deployment) {
        json_write_null(writer, "deployment");
        return;
    }
    bool named = strchr(node->deployment, '/') != NULL;
    const char *id = stage->deployment_id, *name = stage->deployment_name;
    json_begin_object(writer, "deployment");
    json_write_text(writer, "id", id ? id : named ? NULL : node->deployment);
    json_write_text(writer, "name", name ? name : named ? node->deployment : NULL);
    json_end_object(writer);
}

static void write_stages(JsonWriter *writer, const Run *run, int from, int end, const ShapeContext *context);

static void write_stage(JsonWriter *writer, const Run *run, int node, const ShapeContext *context)
{
    const Node *defined = &run->definition->nodes[node];
    const StageRecord *stage = &run->stages[node].record;
    const AttemptRecord *last = stage->attempt_count ? &stage->attempts[stage->attempt_count - 1] : NULL;
    json_begin_object(writer, NULL);
    json_write_text(writer, "name", defined->name);
    json_write_text(writer, "path", defined->path);
    json_write_text(writer, "kind", node_kind_names[defined->kind]);
    json_write_text(writer, "state", state_names[stage->state]);
    json_write_text(writer, "reason", reason_names[stage->reason]);
    json_write_text(writer, "message", stage->message);
    if (stage->attempt_count) {
        json_write_integer(writer, "attempt", last->number);
    } else {
        json_write_null(writer, "attempt");
    }
    write_attempts(writer, stage, context);
    shape_time(writer, "started_at", stage->started_at);
    shape_time(writer, "ended_at", stage->ended_at);
    shape_seconds(writer, "duration_seconds", duration_ms(stage->started_at, stage->ended_at));
    write_deployment(writer, defined, stage);
    write_flow_run(writer, last, context);
    write_prefect_state(writer, last);
    json_write_raw(writer, "parameters", stage->parameters);
    json_begin_array(writer, "stages");
    write_stages(writer, run, node + 1, defined->end, context);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_stages(JsonWriter *writer, const Run *run, int from, int end, const ShapeContext *context)
{
    for (int i = from; i < end; i = run->definition->nodes[i].end) {
        write_stage(writer, run, i, context);
    }
}

void shape_run(JsonWriter *writer, const Run *run, const ShapeContext *context)
{
    const RunRecord *record = &run->record;
    json_begin_object(writer, NULL);
    summary_members(writer, record);
    json_write_raw(writer, "parameters", record->parameters ? record->parameters : "{}");
    json_write_text(writer, "triggered_by", record->triggered_by);
    json_write_text(writer, "trigger_reason", record->trigger_reason);
    json_write_text(writer, "definition_sha256", record->definition_sha256);
    json_write_text(writer, "revision", record->revision);
    json_write_text(writer, "retry_of", record->retry_of[0] ? record->retry_of : NULL);
    json_write_text(writer, "retried_by", record->retried_by[0] ? record->retried_by : NULL);
    json_write_boolean(writer, "held", record->held && record->cut == CUT_NONE && !state_is_end(record->state));
    json_begin_array(writer, "stages");
    if (run->definition) {
        write_stages(writer, run, 0, (int)run->definition->node_count, context);
    }
    json_end_array(writer);
    json_end_object(writer);
}
