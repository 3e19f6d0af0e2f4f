/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shapes.h"
#include "base/memory.h"
#include "engine/groups.h"
#include "engine/links.h"

/* --- parts of both shapes --- */

static void write_labels(JsonWriter *writer, const Definition *definition)
{
    json_begin_object(writer, "labels");
    for (size_t i = 0; i < definition->label_count; i++) {
        json_write_text(writer, definition->labels[i].name, definition->labels[i].value);
    }
    json_end_object(writer);
}

static void write_active_runs(JsonWriter *writer, const Sendpost *sendpost)
{
    json_begin_array(writer, "active_runs");
    for (size_t i = 0; i < sendpost->run_count; i++) {
        if (sendpost->runs[i]->record.admitted && !sendpost->runs[i]->ended) {
            json_write_text(writer, NULL, sendpost->runs[i]->record.id);
        }
    }
    json_end_array(writer);
}

void shape_file_error(JsonWriter *writer, const char *name, const char *file, const char *message, int line, int column)
{
    if (!message) {
        json_write_null(writer, name);
        return;
    }
    json_begin_object(writer, name);
    json_write_text(writer, "message", message);
    json_write_text(writer, "file", file);
    json_write_integer(writer, "line", line);
    json_write_integer(writer, "column", column);
    json_end_object(writer);
}

/* Prefect's page of the first stage whose deployment is known. */
static char *prefect_page(const Sendpost *sendpost, const ShapeContext *context)
{
    for (size_t i = 0; i < sendpost->stage_count; i++) {
        const char *id = stage_deployment_id(&sendpost->stages[i]);
        if (id) {
            return deployment_url(context->ui_url, id);
        }
    }
    return NULL;
}

static void write_links(JsonWriter *writer, const Sendpost *sendpost, const ShapeContext *context)
{
    auto_free char *own = text_format("%s/v1/sendposts/%s", context->base_url, sendpost->name);
    auto_free char *prefect = prefect_page(sendpost, context);
    json_begin_object(writer, "links");
    json_write_text(writer, "self", own);
    json_write_text(writer, "prefect", prefect);
    json_end_object(writer);
}

static void head_members(JsonWriter *writer, const Sendpost *sendpost)
{
    const Definition *definition = sendpost->definition;
    json_write_text(writer, "name", sendpost->name);
    json_write_text(writer, "description", definition->description);
    json_write_text(writer, "owner", definition->owner);
    write_labels(writer, definition);
    json_write_boolean(writer, "enabled", definition->enabled);
    json_write_text(writer, "state", state_names[sendpost_state(sendpost)]);
}

void shape_sendpost_summary(JsonWriter *writer, const Sendpost *sendpost, const ShapeContext *context)
{
    json_begin_object(writer, NULL);
    head_members(writer, sendpost);
    write_active_runs(writer, sendpost);
    shape_run_summary(writer, "last_run", sendpost->last_run);
    shape_time(writer, "next_run_at", sendpost_next_run_at(sendpost));
    shape_file_error(writer, "error", sendpost->file, sendpost->error, sendpost->error_line, sendpost->error_column);
    write_links(writer, sendpost, context);
    json_end_object(writer);
}

/* --- what only the whole one has --- */

static void write_parameters(JsonWriter *writer, const Definition *definition)
{
    json_begin_array(writer, "parameters");
    for (size_t i = 0; i < definition->parameter_count; i++) {
        const Parameter *parameter = &definition->parameters[i];
        auto_buffer value = {.maximum = 8UL * DOCUMENT_SIZE_MAX}, values = {.maximum = 8UL * DOCUMENT_SIZE_MAX};
        if (parameter->default_value) {
            json_print(parameter->default_value, &value);
        }
        if (parameter->enumeration) {
            json_print(parameter->enumeration, &values);
        }
        json_begin_object(writer, NULL);
        json_write_text(writer, "name", parameter->name);
        json_write_text(writer, "type", parameter_type_names[parameter->type]);
        json_write_raw(writer, "default", value.bytes);
        json_write_raw(writer, "enum", values.bytes);
        json_write_boolean(writer, "required", parameter->required);
        json_write_text(writer, "description", parameter->description);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_schedule(JsonWriter *writer, const Sendpost *sendpost)
{
    const Definition *definition = sendpost->definition;
    json_begin_array(writer, "schedule");
    for (size_t i = 0; i < definition->schedule_count; i++) {
        const Schedule *schedule = &definition->schedules[i];
        json_begin_object(writer, NULL);
        json_write_text(writer, "cron", schedule->expression);
        json_write_text(writer, "timezone", schedule->timezone ? schedule->timezone : "UTC");
        json_write_text(writer, "catch_up", catch_up_names[schedule->catch_up]);
        shape_time(writer, "next_run_at", schedule_next_at(sendpost, i));
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_ticks(JsonWriter *writer, const TickRecord *ticks, size_t count)
{
    json_begin_array(writer, "ticks");
    for (size_t i = 0; i < count; i++) {
        json_begin_object(writer, NULL);
        shape_time(writer, "at", ticks[i].at);
        json_write_text(writer, "verdict", verdict_names[ticks[i].verdict]);
        json_write_text(writer, "run", ticks[i].run_id[0] ? ticks[i].run_id : NULL);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_objective(JsonWriter *writer, const char *name, int64_t milliseconds)
{
    shape_seconds(writer, name, milliseconds ? milliseconds : -1);
}

static void write_definition(JsonWriter *writer, const Sendpost *sendpost)
{
    json_begin_object(writer, "definition");
    json_write_text(writer, "file", sendpost->file);
    json_write_text(writer, "sha256", sendpost->definition->sha256);
    shape_time(writer, "loaded_at", sendpost->loaded_at);
    json_write_text(writer, "revision", sendpost->revision);
    shape_file_error(writer, "error", sendpost->file, sendpost->error, sendpost->error_line, sendpost->error_column);
    json_end_object(writer);
}

/* --- stages --- */

typedef struct StageView {
    const Sendpost *sendpost;
    State *states; /* by node; groups' too */
} StageView;

static State *stage_states(const Sendpost *sendpost)
{
    const Definition *definition = sendpost->definition;
    State *states = memory_new(definition->node_count * sizeof *states);
    for (size_t i = 0; i < definition->node_count && i < sendpost->stage_count; i++) {
        states[i] = sendpost->stages[i].state;
    }
    for (size_t i = 0; i < definition->node_count; i++) {
        if (!node_is_leaf(&definition->nodes[i])) {
            states[i] = group_state(definition, states, (int)i);
        }
    }
    return states;
}

static void write_stage_definitions(JsonWriter *writer, const StageView *view, int from, int end);

static void write_stage_definition(JsonWriter *writer, const StageView *view, int index)
{
    const Definition *definition = view->sendpost->definition;
    const Node *node = &definition->nodes[index];
    bool known = (size_t)index < view->sendpost->stage_count && node_is_leaf(node);
    const StageTotals *totals = known ? &view->sendpost->stages[index].totals : NULL;
    json_begin_object(writer, NULL);
    json_write_text(writer, "name", node->name);
    json_write_text(writer, "path", node->path);
    json_write_text(writer, "kind", node_kind_names[node->kind]);
    json_write_text(writer, "deployment", node->deployment);
    json_begin_array(writer, "needs");
    for (size_t i = 0; i < node->after_count; i++) {
        json_write_text(writer, NULL, definition->nodes[node->after[i]].path);
    }
    json_end_array(writer);
    json_write_text(writer, "state", state_names[view->states[index]]);
    shape_seconds(writer, "last_duration_seconds", totals && totals->ended ? totals->last_duration_ms : -1);
    json_begin_array(writer, "stages");
    write_stage_definitions(writer, view, index + 1, node->end);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_stage_definitions(JsonWriter *writer, const StageView *view, int from, int end)
{
    for (int i = from; i < end; i = view->sendpost->definition->nodes[i].end) {
        write_stage_definition(writer, view, i);
    }
}

void shape_sendpost(JsonWriter *writer, const Sendpost *sendpost, const TickRecord *ticks, size_t tick_count,
                    const ShapeContext *context)
{
    const Definition *definition = sendpost->definition;
    auto_free State *states = stage_states(sendpost);
    StageView view = {.sendpost = sendpost, .states = states};
    json_begin_object(writer, NULL);
    head_members(writer, sendpost);
    write_parameters(writer, definition);
    json_write_text(writer, "timezone", definition->timezone ? definition->timezone : "UTC");
    write_schedule(writer, sendpost);
    write_ticks(writer, ticks, tick_count);
    json_write_text(writer, "concurrency", concurrency_names[definition->concurrency]);
    write_objective(writer, "timeout_seconds", definition->timeout_ms);
    write_objective(writer, "deadline_seconds", definition->deadline_ms);
    write_objective(writer, "freshness_seconds", definition->freshness_ms);
    write_definition(writer, sendpost);
    json_begin_array(writer, "stages");
    write_stage_definitions(writer, &view, 0, (int)definition->node_count);
    json_end_array(writer);
    write_active_runs(writer, sendpost);
    shape_run_summary(writer, "last_run", sendpost->last_run);
    shape_time(writer, "last_success_at", sendpost->totals.last_success_at);
    shape_time(writer, "last_failure_at", sendpost->totals.last_failure_at);
    write_links(writer, sendpost, context);
    json_end_object(writer);
}
