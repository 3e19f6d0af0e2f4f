/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/replies.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/instant.h"
#include <ctype.h>
#include <string.h>

static char *lower_uuid(const char *text)
{
    if (!text || !text_is_uuid(text)) {
        return NULL;
    }
    char *copy = text_copy(text);
    for (char *at = copy; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    return copy;
}

static char *message_copy(const Json *json)
{
    const char *text = json_text(json);
    return text && *text ? text_copy_length(text, text_cut(text, MESSAGE_MAX)) : NULL;
}

static Json *json_duplicate(const Json *json)
{
    auto_buffer text;
    buffer_init(&text, PREFECT_REPLY_MAX);
    json_print(json, &text);
    return text.overflow ? NULL : json_parse(text.bytes, text.length, NULL);
}

static bool read_times(const Json *json, FlowRun *flow_run)
{
    return instant_read(json_member(json, "created"), &flow_run->created_at) &&
           instant_read(json_member(json, "start_time"), &flow_run->started_at) &&
           instant_read(json_member(json, "end_time"), &flow_run->ended_at) &&
           instant_read(json_member(json, "expected_start_time"), &flow_run->expected_start_at);
}

static bool read_state(const Json *json, FlowRun *flow_run)
{
    const Json *state = json_member(json, "state");
    const char *type = json_member_text(state, "type");
    type = type ? type : json_member_text(json, "state_type");
    int index = name_index(prefect_type_names, PREFECT_TYPES, type);
    if (index < 0) {
        return false;
    }
    flow_run->type = (PrefectType)index;
    flow_run->state_name = message_copy(json_member(state, "name"));
    flow_run->state_message = message_copy(json_member(state, "message"));
    return instant_read(json_member(state, "timestamp"), &flow_run->state_timestamp);
}

/* Before 3.6.14 a flow run that never ran has no end_time: its last state's time is its end. */
static void fill_end(FlowRun *flow_run)
{
    if (!prefect_type_is_end(flow_run->type)) {
        flow_run->ended_at = 0;
    } else if (!flow_run->ended_at) {
        flow_run->ended_at = flow_run->state_timestamp;
    }
}

bool reply_flow_run(const Json *json, bool keep, FlowRun *flow_run, Error *error)
{
    FlowRun read = {0};
    read.id = lower_uuid(json_member_text(json, "id"));
    if (!read.id || !read_state(json, &read) || !read_times(json, &read)) {
        flow_run_release(&read);
        return error_set(error, ERROR_INVALID, "the answer holds a flow run without a valid id, state or time");
    }
    fill_end(&read);
    read.name = message_copy(json_member(json, "name"));
    read.deployment_id = lower_uuid(json_member_text(json, "deployment_id"));
    read.key = message_copy(json_member(json, "idempotency_key"));
    if (keep) {
        const Json *parameters = json_member(json, "parameters"), *tags = json_member(json, "tags");
        read.parameters = parameters ? json_duplicate(parameters) : NULL;
        read.tags = tags ? json_duplicate(tags) : NULL;
    }
    *flow_run = read;
    return true;
}

/* A validation error of FastAPI: {"loc": [...], "msg": "..."}. */
static void append_details(Buffer *out, const Json *details)
{
    for (const Json *item = json_first(details); item; item = json_next(item)) {
        const char *message = json_member_text(item, "msg");
        buffer_text(out, out->length ? "; " : "");
        for (const Json *place = json_first(json_member(item, "loc")); place; place = json_next(place)) {
            if (json_text(place)) {
                buffer_format(out, "%s.", json_text(place));
            }
        }
        if (out->length && out->bytes[out->length - 1] == '.') {
            buffer_text(out, " ");
        }
        buffer_text(out, message ? message : "invalid");
    }
}

char *reply_reason(const Json *json)
{
    Buffer out;
    buffer_init(&out, MESSAGE_MAX);
    const Json *detail = json_member(json, "detail");
    const char *message = json_text(detail);
    message = message ? message : json_member_text(json, "exception_message");
    if (message) {
        buffer_append(&out, message, text_cut(message, MESSAGE_MAX));
    }
    append_details(&out, detail);
    append_details(&out, json_member(json, "exception_detail"));
    if (out.length == 0) {
        buffer_text(&out, "no reason given");
    }
    return buffer_take(&out);
}
