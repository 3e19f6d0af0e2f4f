/* SPDX-License-Identifier: Apache-2.0 */
#include "definitions/parameters.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/reading.h"
#include "definitions/template.h"
#include "time/instant.h"
#include <stdio.h>
#include <string.h>

enum { RENDERED_MAX = 16 << 20, DAY_SECONDS = 86400, FAULTS_MAX = 100, NEAREST_MAX = 10 };

void parameter_faults_release(ParameterFaults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->items[i].pointer);
        free(faults->items[i].detail);
    }
    free(faults->items);
    *faults = (ParameterFaults){0};
}

/* --- dates --- */

static int64_t local_day(const TemplateContext *context)
{
    int64_t seconds = context->for_ms / 1000 - (context->for_ms % 1000 < 0);
    int64_t local = seconds + zone_offset(context->definition->zone, seconds);
    return (local >= 0 ? local : local - (DAY_SECONDS - 1)) / DAY_SECONDS;
}

void run_date(const TemplateContext *context, int shift_days, char date[16])
{
    int64_t year;
    int month, day;
    calendar_date(local_day(context) + shift_days, &year, &month, &day);
    snprintf(date, 16, "%04d-%02d-%02d", (int)(year % 10000), month, day);
}

int64_t run_day_start_ms(const TemplateContext *context, int shift_days)
{
    const Zone *zone = context->definition->zone;
    int64_t midnight = (local_day(context) + shift_days) * DAY_SECONDS, instants[2];
    if (zone_instants(zone, midnight, instants) > 0) {
        return instants[0] * 1000;
    }
    /* Midnight was skipped: the day begins where the gap ends. */
    return (midnight - zone_offset(zone, midnight - DAY_SECONDS)) * 1000;
}

/* --- templates --- */

static const Json *parameter_value(const TemplateContext *context, const TemplatePart *part)
{
    auto_free char *name = text_copy_length(part->text, part->length);
    return json_member(context->parameters, name);
}

static const char *flow_run_value(const TemplateContext *context, const TemplatePart *part)
{
    auto_free char *path = text_copy_length(part->text, part->length);
    int node = definition_node_find(context->definition, path);
    return node >= 0 && context->flow_run_id ? context->flow_run_id(context->user, node) : NULL;
}

/* The text of a part; false when what it names has no value. */
static bool part_text(const TemplateContext *context, const TemplatePart *part, Buffer *out)
{
    char text[INSTANT_TEXT_SIZE];
    const Json *value;
    const char *found;
    switch (part->kind) {
    case TEMPLATE_LITERAL:
        buffer_append(out, part->text, part->length);
        return true;
    case TEMPLATE_RUN_ID:
        buffer_text(out, context->run_id);
        return true;
    case TEMPLATE_RUN_DATE:
        run_date(context, part->shift_days, text);
        buffer_text(out, text);
        return true;
    case TEMPLATE_RUN_TIME:
        instant_format(context->for_ms, text);
        buffer_text(out, text);
        return true;
    case TEMPLATE_RUN_TRIGGER:
        buffer_text(out, context->trigger);
        return true;
    case TEMPLATE_SENDPOST_NAME:
        buffer_text(out, context->definition->name);
        return true;
    case TEMPLATE_PARAMETER:
        value = parameter_value(context, part);
        if (value && json_text(value)) {
            buffer_text(out, json_text(value));
        } else if (value) {
            json_print(value, out);
        }
        return value != NULL;
    case TEMPLATE_FLOW_RUN:
        found = flow_run_value(context, part);
        buffer_text(out, found ? found : "");
        return found != NULL;
    }
    return false;
}

/* A string that is one parameter alone: its value, type and all. */
static const Json *whole_parameter(const TemplateContext *context, const char *text)
{
    TemplatePart part;
    const char *at = text;
    bool single = template_next(&at, &part, NULL) == 1 && *at == '\0' && part.kind == TEMPLATE_PARAMETER;
    return single ? parameter_value(context, &part) : NULL;
}

static bool render_text(const TemplateContext *context, const char *text, Buffer *out)
{
    TemplatePart part;
    int got;
    while ((got = template_next(&text, &part, NULL)) > 0) {
        if (!part_text(context, &part, out)) {
            return false;
        }
    }
    invariant(got == 0); /* checked when the definition was read */
    return true;
}

static void render(JsonWriter *writer, const char *name, const Json *value, const TemplateContext *context);

static void render_string(JsonWriter *writer, const char *name, const char *text, const TemplateContext *context)
{
    const Json *whole = whole_parameter(context, text);
    auto_buffer rendered;
    buffer_init(&rendered, RENDERED_MAX);
    if (whole) {
        json_print(whole, &rendered);
        json_write_raw(writer, name, rendered.bytes);
    } else if (render_text(context, text, &rendered)) {
        json_write_text(writer, name, rendered.bytes ? rendered.bytes : "");
    }
}

static void render(JsonWriter *writer, const char *name, const Json *value, const TemplateContext *context)
{
    auto_buffer plain;
    buffer_init(&plain, RENDERED_MAX);
    switch (json_type(value)) {
    case JSON_STRING:
        render_string(writer, name, json_text(value), context);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        json_type(value) == JSON_ARRAY ? json_begin_array(writer, name) : json_begin_object(writer, name);
        for (const Json *item = json_first(value); item; item = json_next(item)) {
            render(writer, json_name(item), item, context);
        }
        json_type(value) == JSON_ARRAY ? json_end_array(writer) : json_end_object(writer);
        break;
    default:
        json_print(value, &plain);
        json_write_raw(writer, name, plain.bytes);
        break;
    }
}

/* NULL when it has no value, and when its templates make it too large or too deep to be JSON of ours. */
static Json *render_within(const Json *value, const TemplateContext *context, bool *too_much)
{
    auto_buffer text;
    buffer_init(&text, RENDERED_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &text);
    render(&writer, NULL, value, context);
    Json *rendered = text.length && !text.overflow ? json_parse(text.bytes, text.length, NULL) : NULL;
    *too_much = text.length && !rendered;
    return rendered;
}

Json *template_render(const Json *value, const TemplateContext *context)
{
    bool too_much;
    return render_within(value, context, &too_much);
}

/* --- a run's parameters --- */

/* Takes detail. */
static void fault_add(ParameterFaults *faults, const char *name, char *detail)
{
    if (faults->count == FAULTS_MAX) {
        free(detail);
        return;
    }
    faults->items = memory_resize(faults->items, faults->count + 1, sizeof *faults->items);
    auto_buffer pointer;
    buffer_init(&pointer, 2048);
    buffer_text(&pointer, "/parameters/");
    for (; *name; name++) { /* RFC 6901 */
        buffer_text(&pointer, *name == '~' ? "~0" : *name == '/' ? "~1" : (char[]){*name, '\0'});
    }
    faults->items[faults->count++] = (ParameterFault){buffer_take(&pointer), detail};
}

static const Parameter *parameter_find(const Definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->parameter_count; i++) {
        if (text_equal(definition->parameters[i].name, name)) {
            return &definition->parameters[i];
        }
    }
    return NULL;
}

static void check_given(const Definition *definition, const Json *given, ParameterFaults *faults)
{
    const char *names[PARAMETERS_MAX];
    for (size_t i = 0; i < definition->parameter_count; i++) {
        names[i] = definition->parameters[i].name;
    }
    for (const Json *member = json_first(given); member && faults->count < FAULTS_MAX; member = json_next(member)) {
        const Parameter *parameter = parameter_find(definition, json_name(member));
        if (!parameter) {
            bool few = faults->count < NEAREST_MAX; /* looking is not cheap */
            const char *nearest = few ? text_nearest(json_name(member), names, definition->parameter_count) : NULL;
            fault_add(faults, json_name(member),
                      nearest ? text_format("is not declared, did you mean '%s'?", nearest)
                              : text_copy("is not declared"));
            continue;
        }
        char *fault = parameter_fault(parameter, member);
        if (fault) {
            fault_add(faults, json_name(member), fault);
        }
    }
}

static char *too_large(void)
{
    return text_format("makes the parameters larger than %d bytes, or nested deeper than %d", PARAMETERS_SIZE_MAX,
                       JSON_DEPTH_MAX);
}

/* The default with its templates replaced, which may name the parameters before it: `resolved` is what there is of the
 * object. NULL: no value. */
static Json *render_default(const Parameter *parameter, const Buffer *resolved, const TemplateContext *context,
                            ParameterFaults *faults)
{
    bool names = json_has_template(parameter->default_value); /* else there may be a $$ in it still */
    auto_free char *closed = names ? text_format("%s}", resolved->bytes) : NULL;
    auto_json *before = names ? json_parse(closed, strlen(closed), NULL) : NULL;
    TemplateContext local = *context;
    local.parameters = before;
    bool too_much;
    Json *rendered = render_within(parameter->default_value, &local, &too_much);
    char *fault = too_much ? too_large() : rendered ? parameter_fault(parameter, rendered) : NULL;
    if (fault) {
        fault_add(faults, parameter->name, fault);
    }
    return rendered;
}

/* Adds one parameter to the object: the trigger's value, else the default. */
static void resolve_one(const Parameter *parameter, const Json *given, const TemplateContext *context, Buffer *resolved,
                        ParameterFaults *faults)
{
    const Json *value = json_member(given, parameter->name);
    auto_json *rendered = NULL;
    if (!value && !parameter->default_value) {
        if (parameter->required) {
            fault_add(faults, parameter->name, text_copy("is required"));
        }
        return;
    }
    if (!value) {
        rendered = render_default(parameter, resolved, context, faults);
        value = rendered;
    }
    if (value) {
        JsonWriter writer = {.out = resolved, .comma = resolved->length > 1};
        auto_buffer printed;
        buffer_init(&printed, RENDERED_MAX);
        json_print(value, &printed);
        json_write_raw(&writer, parameter->name, printed.bytes);
    }
    if (resolved->overflow) {
        fault_add(faults, parameter->name, too_large());
    }
}

Json *parameters_resolve(const Definition *definition, const Json *given, const TemplateContext *context,
                         ParameterFaults *faults)
{
    check_given(definition, given, faults);
    auto_buffer text;
    buffer_init(&text, PARAMETERS_SIZE_MAX);
    buffer_char(&text, '{');
    for (size_t i = 0; i < definition->parameter_count && !text.overflow; i++) {
        resolve_one(&definition->parameters[i], given, context, &text, faults);
    }
    buffer_char(&text, '}');
    return faults->count ? NULL : json_parse(text.bytes, text.length, NULL);
}
