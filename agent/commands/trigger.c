/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/trigger.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STDIN_FIRST = 4096 };

static bool read_standard_input(Buffer *out, Error *error)
{
    char bytes[STDIN_FIRST];
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, stdin)) > 0;) {
        buffer_append(out, bytes, got);
    }
    if (ferror(stdin)) {
        return error_set(error, ERROR_IO, "standard input: %s", strerror(errno));
    }
    return !out->overflow || error_set(error, ERROR_LIMIT, "standard input: larger than %d bytes", REQUEST_BODY_MAX);
}

static bool read_file(const CommandLine *line, Json **file, Error *error)
{
    const char *path = option_value(line, "params-json");
    if (!path) {
        return true;
    }
    auto_buffer text;
    buffer_init(&text, REQUEST_BODY_MAX);
    bool read =
        text_equal(path, "-") ? read_standard_input(&text, error) : file_read(path, REQUEST_BODY_MAX, &text, error);
    auto_json *json = read ? json_parse(text.bytes ? text.bytes : "", text.length, error) : NULL;
    if (json && json_type(json) != JSON_OBJECT) {
        error_set(error, ERROR_INVALID, "must be a JSON object");
    } else if (json) {
        *file = memory_steal(&json);
        return true;
    }
    return read && error_prefix(error, "%s", text_equal(path, "-") ? "standard input" : path);
}

/* The next -p from *at on, which moves behind it; NULL: no more. *name_length: up to its =. */
static const char *next_parameter(const CommandLine *line, size_t *at, size_t *name_length)
{
    while (*at < line->value_count) {
        const OptionValue *value = &line->values[(*at)++];
        if (text_equal(value->option->name, "param")) {
            *name_length = strcspn(value->value, "=");
            return value->value;
        }
    }
    return NULL;
}

static bool given_from(const CommandLine *line, size_t at, const char *name, size_t length)
{
    size_t other_length;
    for (const char *other; (other = next_parameter(line, &at, &other_length));) {
        if (other_length == length && memcmp(other, name, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_parameters(const CommandLine *line, Error *error)
{
    size_t at = 0, length;
    for (const char *given; (given = next_parameter(line, &at, &length));) {
        if (length == 0 || given[length] != '=') {
            return error_set(error, ERROR_INVALID, "-p needs KEY=VALUE, not '%.60s'", given);
        }
        if (!text_is_utf8(given, strlen(given))) {
            return error_set(error, ERROR_INVALID, "-p '%.*s' is not UTF-8", (int)length, given);
        }
        if (given_from(line, at, given, length)) {
            return error_set(error, ERROR_INVALID, "-p '%.*s' is given twice", (int)length, given);
        }
    }
    return true;
}

static bool check_key(const CommandLine *line, Error *error)
{
    const char *key = option_value(line, "idempotency-key");
    for (const char *c = key; c && *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return error_set(error, ERROR_INVALID, "--idempotency-key is made of visible ASCII characters");
        }
    }
    size_t length = key ? strlen(key) : 1;
    return (length > 0 && length <= IDEMPOTENCY_KEY_MAX) ||
           error_set(error, ERROR_INVALID, "--idempotency-key has 1 to %d characters", IDEMPOTENCY_KEY_MAX);
}

bool trigger_read(const CommandLine *line, Json **file, Error *error)
{
    return check_parameters(line, error) && check_key(line, error) && read_file(line, file, error);
}

/* The declared type of a parameter, or NULL. */
static const char *declared_type(const Json *sendpost, const char *name)
{
    for (const Json *item = json_first(json_member(sendpost, "parameters")); item; item = json_next(item)) {
        if (text_equal(json_member_text(item, "name"), name)) {
            return json_member_text(item, "type");
        }
    }
    return NULL;
}

static void write_parameter(JsonWriter *writer, const Json *sendpost, const char *name, const char *value)
{
    const char *type = declared_type(sendpost, name);
    auto_json *json = text_equal(type, "string") ? NULL : json_parse(value, strlen(value), NULL);
    if (json) {
        json_write_raw(writer, name, value);
    } else {
        json_write_text(writer, name, value);
    }
}

static void write_parameters(JsonWriter *writer, const CommandLine *line, const Json *file, const Json *sendpost)
{
    json_begin_object(writer, "parameters");
    for (const Json *member = json_first(file); member; member = json_next(member)) {
        if (!given_from(line, 0, json_name(member), strlen(json_name(member)))) {
            auto_buffer value;
            buffer_init(&value, REQUEST_BODY_MAX);
            json_print(member, &value);
            json_write_raw(writer, json_name(member), value.bytes);
        }
    }
    size_t at = 0, length;
    for (const char *given; (given = next_parameter(line, &at, &length));) {
        auto_free char *name = text_copy_length(given, length);
        write_parameter(writer, sendpost, name, given + length + 1);
    }
    json_end_object(writer);
}

void trigger_write(const CommandLine *line, const Json *file, const Json *sendpost, Buffer *body)
{
    static const char *const members[][2] = {
        {"reason", "reason"}, {"for", "for"}, {"start-at", "start_at"}, {"from", "from"}};
    JsonWriter writer;
    json_writer_init(&writer, body);
    json_begin_object(&writer, NULL);
    write_parameters(&writer, line, file, sendpost);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = option_value(line, members[i][0]);
        if (value) {
            json_write_text(&writer, members[i][1], value);
        }
    }
    if (option_given(line, "paused")) {
        json_write_boolean(&writer, "paused", true);
    }
    json_end_object(&writer);
}
