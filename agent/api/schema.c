/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"

static const struct {
    const char *type, *format, *pattern, *example;
} kinds[VALUE_KINDS] = {
    [VALUE_TEXT] = {"string", NULL, NULL, NULL},
    [VALUE_NAME] = {"string", NULL, "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "\"daily-mailing\""},
    [VALUE_PATH] = {"string", NULL, "^[a-z0-9-]+(/[a-z0-9-]+)*$", "\"deliver/email\""},
    [VALUE_TIME] = {"string", "date-time", NULL, "\"2026-11-22T04:23:06.437Z\""},
    [VALUE_LATER_TIME] = {"string", "date-time", "^(197[1-9]|19[89][0-9]|[2-9][0-9]{3})-",
                          "\"2026-11-22T04:23:06.437Z\""},
    [VALUE_UUID] = {"string", "uuid", NULL, "\"01920000-0000-7000-8000-00000000000a\""},
    [VALUE_DIGEST] = {"string", NULL, "^[0-9a-f]{64}$",
                      "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""},
    [VALUE_URL] = {"string", "uri", NULL, NULL},
    [VALUE_CURSOR] = {"string", NULL, "^([0-9a-f]{2})+$", "\"6461696c792d6d61696c696e67\""},
    [VALUE_KEY] = {"string", NULL, "^[^\\x00-\\x1f\\x7f]+$", "\"2026-11-22/daily-mailing\""},
    [VALUE_HEADER] = {"string", NULL, "^[!-~]([ -~]*[!-~])?$", "\"2026-11-22/daily-mailing\""},
    [VALUE_LABEL] = {"string", NULL, ":", NULL},
    [VALUE_SECONDS] = {"number", NULL, NULL, NULL},
    [VALUE_INTEGER] = {"integer", NULL, NULL, "1"},
    [VALUE_BOOLEAN] = {"boolean", NULL, NULL, "false"},
    [VALUE_FREE_OBJECT] = {"object", NULL, NULL, "{}"},
    [VALUE_TEXTS] = {"object", NULL, NULL, "{}"},
    [VALUE_CHOICE] = {"string", NULL, NULL, NULL},
};

static void write_type(JsonWriter *writer, const char *type, bool nullable)
{
    if (!nullable) {
        json_write_text(writer, "type", type);
        return;
    }
    json_begin_array(writer, "type");
    json_write_text(writer, NULL, type);
    json_write_text(writer, NULL, "null");
    json_end_array(writer);
}

static void write_reference(JsonWriter *writer, const Shape *shape)
{
    auto_free char *reference = text_format("#/components/schemas/%s", shape->name);
    json_write_text(writer, "$ref", reference);
}

static void write_nullable_reference(JsonWriter *writer, const Shape *shape)
{
    json_begin_array(writer, "anyOf");
    json_begin_object(writer, NULL);
    write_reference(writer, shape);
    json_end_object(writer);
    json_begin_object(writer, NULL);
    json_write_text(writer, "type", "null");
    json_end_object(writer);
    json_end_array(writer);
}

static void write_choices(JsonWriter *writer, const Choices *choices, bool nullable)
{
    json_begin_array(writer, "enum");
    for (int i = 0; i < choices->count; i++) {
        if (choices->names[i]) {
            json_write_text(writer, NULL, choices->names[i]);
        }
    }
    if (choices->further) {
        json_write_text(writer, NULL, choices->further);
    }
    if (nullable) {
        json_write_null(writer, NULL);
    }
    json_end_array(writer);
}

static void write_bounds(JsonWriter *writer, const Member *member)
{
    bool number = member->kind == VALUE_INTEGER || member->kind == VALUE_SECONDS;
    if (number || member->minimum) {
        json_write_integer(writer, number ? "minimum" : "minLength", member->minimum);
    }
    if (member->maximum) {
        json_write_integer(writer, number ? "maximum" : "maxLength", member->maximum);
    }
}

static void write_plain(JsonWriter *writer, const Member *member, bool nullable)
{
    write_type(writer, kinds[member->kind].type, nullable);
    if (kinds[member->kind].format) {
        json_write_text(writer, "format", kinds[member->kind].format);
    }
    if (kinds[member->kind].pattern) {
        json_write_text(writer, "pattern", kinds[member->kind].pattern);
    }
    if (member->kind == VALUE_CHOICE) {
        write_choices(writer, member->choices, nullable);
    }
    if (member->kind == VALUE_TEXTS) {
        json_begin_object(writer, "additionalProperties");
        json_write_text(writer, "type", "string");
        json_end_object(writer);
    }
    write_bounds(writer, member);
}

static void write_one(JsonWriter *writer, const Member *member, bool nullable)
{
    if (member->kind == VALUE_ANY) {
        return;
    }
    if (member->kind != VALUE_SHAPE) {
        write_plain(writer, member, nullable);
    } else if (nullable) {
        write_nullable_reference(writer, member->shape);
    } else {
        write_reference(writer, member->shape);
    }
}

void schema_write_value(JsonWriter *writer, const Member *member)
{
    bool nullable = member->flags & NULLABLE;
    if (member->flags & LIST) {
        write_type(writer, "array", nullable);
        json_begin_object(writer, "items");
        write_one(writer, member, false);
        json_end_object(writer);
    } else {
        write_one(writer, member, nullable);
    }
}

static void write_properties(JsonWriter *writer, const Shape *shape)
{
    if (shape->base) {
        write_properties(writer, shape->base);
    }
    for (size_t i = 0; i < shape->count; i++) {
        json_begin_object(writer, shape->members[i].name);
        schema_write_value(writer, &shape->members[i]);
        json_write_text(writer, "description", shape->members[i].about);
        json_end_object(writer);
    }
}

static void write_required(JsonWriter *writer, const Shape *shape)
{
    if (shape->base) {
        write_required(writer, shape->base);
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (!(shape->members[i].flags & OPTIONAL)) {
            json_write_text(writer, NULL, shape->members[i].name);
        }
    }
}

void schema_write_shape(JsonWriter *writer, const Shape *shape)
{
    json_begin_object(writer, shape->name);
    json_write_text(writer, "type", "object");
    json_write_text(writer, "description", shape->about);
    json_begin_object(writer, "properties");
    write_properties(writer, shape);
    json_end_object(writer);
    json_begin_array(writer, "required");
    write_required(writer, shape);
    json_end_array(writer);
    json_write_boolean(writer, "additionalProperties", false);
    json_end_object(writer);
}

/* --- examples --- */

static void write_example(JsonWriter *writer, const char *name, const Member *member)
{
    if (member->kind == VALUE_SHAPE) {
        schema_write_shape_example(writer, name, member->shape);
        return;
    }
    invariant(kinds[member->kind].example != NULL);
    json_write_raw(writer, name, kinds[member->kind].example);
}

void schema_write_example(JsonWriter *writer, const char *name, const Member *member)
{
    if (member->example) {
        json_write_raw(writer, name, member->example);
    } else if (member->flags & LIST) {
        json_begin_array(writer, name);
        write_example(writer, NULL, member);
        json_end_array(writer);
    } else {
        write_example(writer, name, member);
    }
}

void schema_write_examples(JsonWriter *writer, const Member *member)
{
    json_begin_array(writer, "examples");
    schema_write_example(writer, NULL, member);
    json_end_array(writer);
}

static void write_members(JsonWriter *writer, const Shape *shape)
{
    if (shape->base) {
        write_members(writer, shape->base);
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (!(shape->members[i].flags & OPTIONAL)) {
            schema_write_example(writer, shape->members[i].name, &shape->members[i]);
        }
    }
}

void schema_write_shape_example(JsonWriter *writer, const char *name, const Shape *shape)
{
    json_begin_object(writer, name);
    write_members(writer, shape);
    json_end_object(writer);
}
