/* SPDX-License-Identifier: Apache-2.0 */
#include "definitions/keys.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/duration.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_TEXT_MAX = 2 << 20, KEYS_MAX = 64 };

void reader_error(Reader *reader, const DocumentNode *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *message = NULL;
    if (vasprintf(&message, format, arguments) >= 0) {
        findings_add(reader->findings, SEVERITY_ERROR, node->line, node->column, "%s", message);
        free(message);
    }
    va_end(arguments);
}

const char *reader_nearest(Reader *reader, const DocumentNode *node, const char *text, const char *const *candidates,
                           size_t count)
{
    bool kept = findings_keep(reader->findings, SEVERITY_ERROR, node->line, node->column);
    return kept ? text_nearest(text, candidates, count) : NULL;
}

const char *reader_text(Reader *reader, const DocumentNode *node, const char *what)
{
    if (node->kind == DOCUMENT_SEQUENCE || node->kind == DOCUMENT_MAPPING || node->kind == DOCUMENT_NULL) {
        reader_error(reader, node, "'%s' must be a string, not %s", what, document_kind_name(node));
        return NULL;
    }
    return node->text;
}

Json *reader_json(Reader *reader, const DocumentNode *node)
{
    auto_buffer text;
    buffer_init(&text, VALUE_TEXT_MAX);
    if (!document_to_json(node, &text, reader->findings)) {
        return NULL;
    }
    Error error = {0};
    Json *json = json_parse(text.bytes, text.length, &error);
    if (!json) {
        reader_error(reader, node, "%s", error.text);
    }
    return json;
}

bool reader_duration(Reader *reader, const DocumentNode *node, const char *what, int64_t minimum, int64_t *duration_ms)
{
    const char *text = reader_text(reader, node, what);
    int64_t value;
    Error error = {0};
    if (!text) {
        return false;
    }
    if (!duration_parse(text, &value, &error)) {
        reader_error(reader, node, "'%s': %s", what, error.text);
        return false;
    }
    if (value < minimum) {
        char least[DURATION_TEXT_SIZE];
        duration_format(minimum, least);
        reader_error(reader, node, "'%s' must be at least %s", what, least);
        return false;
    }
    *duration_ms = value;
    return true;
}

static void read_text(Reader *reader, const DocumentNode *node, const Key *key, char **target)
{
    const char *text = reader_text(reader, node, key->name);
    if (!text) {
        return;
    }
    if (key->type == KEY_NAME && !text_is_name(text)) {
        reader_error(reader, node,
                     "'%.80s' is not a name: lower-case letters, digits and dashes within, at most %d characters", text,
                     NAME_MAX_LENGTH);
        return;
    }
    text_replace(target, text);
}

static bool read_whole(Reader *reader, const DocumentNode *node, const Key *key, int64_t *value)
{
    if (node->kind != DOCUMENT_INTEGER) {
        reader_error(reader, node, "'%s' must be an integer, not %s", key->name, document_kind_name(node));
        return false;
    }
    if (node->number < (double)key->minimum || node->number > (double)key->maximum) {
        reader_error(reader, node, "'%s' must be within %lld and %lld", key->name, (long long)key->minimum,
                     (long long)key->maximum);
        return false;
    }
    *value = (int64_t)node->number;
    return true;
}

static void read_choice(Reader *reader, const DocumentNode *node, const Key *key, int *target)
{
    const char *text = reader_text(reader, node, key->name);
    size_t count = 0;
    while (key->choices[count]) {
        if (text && strcmp(text, key->choices[count]) == 0) {
            *target = (int)count;
            return;
        }
        count++;
    }
    if (!text) {
        return;
    }
    auto_buffer choices;
    buffer_init(&choices, 1024);
    for (size_t i = 0; i < count; i++) {
        buffer_format(&choices, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", key->choices[i]);
    }
    const char *nearest = reader_nearest(reader, node, text, key->choices, count);
    reader_error(reader, node, "'%s' must be %s, not '%.60s'%s%s%s", key->name, choices.bytes, text,
                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static void read_text_list(Reader *reader, const DocumentNode *node, const Key *key, Json **target)
{
    if (node->kind != DOCUMENT_SEQUENCE) {
        reader_error(reader, node, "'%s' must be a list of strings, not %s", key->name, document_kind_name(node));
        return;
    }
    if (key->maximum && node->count > (size_t)key->maximum) {
        reader_error(reader, node, "'%s' has more than %lld items", key->name, (long long)key->maximum);
        return;
    }
    Buffer text;
    buffer_init(&text, VALUE_TEXT_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &text);
    json_begin_array(&writer, NULL);
    for (size_t i = 0; i < node->count; i++) {
        json_write_text(&writer, NULL, reader_text(reader, node->items[i], key->name));
    }
    json_end_array(&writer);
    json_free(*target);
    *target = json_parse(text.bytes, text.length, NULL);
    buffer_release(&text);
}

static void read_object(Reader *reader, const DocumentNode *node, const Key *key, Json **target)
{
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "'%s' must be a mapping, not %s", key->name, document_kind_name(node));
        return;
    }
    *target = reader_json(reader, node);
}

static void read_value(Reader *reader, const DocumentNode *node, const Key *key, void *target)
{
    void *member = (char *)target + key->offset;
    int64_t whole;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_NAME:
        read_text(reader, node, key, member);
        break;
    case KEY_BOOLEAN:
        if (node->kind != DOCUMENT_BOOLEAN) {
            reader_error(reader, node, "'%s' must be true or false, not %s", key->name, document_kind_name(node));
        } else {
            *(bool *)member = node->number != 0;
        }
        break;
    case KEY_INTEGER:
        read_whole(reader, node, key, member);
        break;
    case KEY_COUNT:
        if (read_whole(reader, node, key, &whole)) {
            *(int *)member = (int)whole;
        }
        break;
    case KEY_DURATION:
        reader_duration(reader, node, key->name, key->minimum, member);
        break;
    case KEY_CHOICE:
        read_choice(reader, node, key, member);
        break;
    case KEY_TEXT_LIST:
        read_text_list(reader, node, key, member);
        break;
    case KEY_OBJECT:
        read_object(reader, node, key, member);
        break;
    case KEY_CUSTOM:
        key->read(reader, node, target);
        break;
    }
}

static void refuse_unknown(Reader *reader, const DocumentNode *key, const Key *keys, size_t count,
                           const char *(*hint)(const char *key))
{
    const char *names[KEYS_MAX];
    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
    }
    const char *said = hint ? hint(key->text) : NULL;
    const char *nearest = said ? NULL : reader_nearest(reader, key, key->text, names, count);
    if (said) {
        reader_error(reader, key, "unknown key '%.80s': %s", key->text, said);
    } else if (nearest) {
        reader_error(reader, key, "unknown key '%.80s', did you mean '%s'?", key->text, nearest);
    } else {
        reader_error(reader, key, "unknown key '%.80s'", key->text);
    }
}

static const Key *key_find(const Key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(keys[i].name, name)) {
            return &keys[i];
        }
    }
    return NULL;
}

bool keys_read(Reader *reader, const DocumentNode *node, const char *what, const Key *keys, size_t count, void *target,
               const char *(*hint)(const char *key))
{
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "%s must be a mapping, not %s", what, document_kind_name(node));
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        const Key *key = key_find(keys, count, node->keys[i]->text);
        if (key) {
            read_value(reader, node->items[i], key, target);
        } else {
            refuse_unknown(reader, node->keys[i], keys, count, hint);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (keys[i].required && !document_find(node, keys[i].name)) {
            reader_error(reader, node, "%s needs the key '%s'", what, keys[i].name);
        }
    }
    return true;
}

/* --- schema --- */

static void write_types(JsonWriter *writer, const char *const *types)
{
    json_begin_array(writer, "type");
    for (; *types; types++) {
        json_write_text(writer, NULL, *types);
    }
    json_end_array(writer);
}

void schema_write_scalar(JsonWriter *writer)
{
    write_types(writer, (const char *const[]){"string", "number", "boolean", NULL});
}

void schema_write_pattern(JsonWriter *writer, const char *pattern)
{
    json_write_text(writer, "type", "string");
    json_write_text(writer, "pattern", pattern);
}

void schema_write_texts(JsonWriter *writer, int64_t maximum)
{
    json_write_text(writer, "type", "array");
    if (maximum) {
        json_write_integer(writer, "maxItems", maximum);
    }
    json_begin_object(writer, "items");
    schema_write_scalar(writer);
    json_end_object(writer);
}

void schema_write_choices(JsonWriter *writer, const char *const *choices)
{
    json_begin_array(writer, "enum");
    for (; *choices; choices++) {
        json_write_text(writer, NULL, *choices);
    }
    json_end_array(writer);
}

/* "name: 5" is a name too: the bounds of its number keep signs out. */
static void write_name_schema(JsonWriter *writer)
{
    write_types(writer, (const char *const[]){"string", "integer", "boolean", NULL});
    json_write_text(writer, "pattern", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$");
    json_write_integer(writer, "maxLength", NAME_MAX_LENGTH);
    json_write_integer(writer, "minimum", 0);
}

static void write_type_schema(JsonWriter *writer, const Key *key)
{
    switch (key->type) {
    case KEY_TEXT:
        schema_write_scalar(writer);
        break;
    case KEY_NAME:
        write_name_schema(writer);
        break;
    case KEY_BOOLEAN:
        json_write_text(writer, "type", "boolean");
        break;
    case KEY_INTEGER:
    case KEY_COUNT:
        json_write_text(writer, "type", "integer");
        json_write_integer(writer, "minimum", key->minimum);
        json_write_integer(writer, "maximum", key->maximum);
        break;
    case KEY_DURATION:
        schema_write_pattern(writer, key->minimum > 0 ? SCHEMA_SOME_DURATION : SCHEMA_DURATION);
        break;
    case KEY_CHOICE:
        schema_write_choices(writer, key->choices);
        break;
    case KEY_TEXT_LIST:
        schema_write_texts(writer, key->maximum);
        break;
    case KEY_OBJECT:
        json_write_text(writer, "type", "object");
        break;
    case KEY_CUSTOM:
        key->schema(writer);
        break;
    }
}

void keys_write_schema(JsonWriter *writer, const Key *keys, size_t count)
{
    json_write_text(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (size_t i = 0; i < count; i++) {
        json_begin_object(writer, keys[i].name);
        json_write_text(writer, "description", keys[i].description);
        write_type_schema(writer, &keys[i]);
        json_end_object(writer);
    }
    json_end_object(writer);
    json_begin_array(writer, "required");
    for (size_t i = 0; i < count; i++) {
        if (keys[i].required) {
            json_write_text(writer, NULL, keys[i].name);
        }
    }
    json_end_array(writer);
    json_write_boolean(writer, "additionalProperties", false);
}
