/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schema of the configuration, from the table of settings. */
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include "configuration/settings.h"
#include "definitions/keys.h"
#include <string.h>

static const struct {
    const char *path, *description;
} groups[] = {
    {"prefect", "The Prefect server, and how it is asked"},
    {"prefect.poll", "How often flow runs are asked for"},
    {"prefect.inventory", "All of Prefect in the metrics, not only what sendposts run"},
    {"definitions", "The sendposts"},
    {"journal", "The durable record"},
    {"http", "The API and /metrics"},
    {"http.tls", "Reloaded when changed"},
    {"http.rate_limit", "Of requests, for each client address; /metrics and /-/ excepted"},
    {"metrics", "What /metrics holds"},
    {"log", "What is logged"},
};

static const char *group_description(const char *path)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (text_equal(groups[i].path, path)) {
            return groups[i].description;
        }
    }
    return NULL;
}

static void write_default(JsonWriter *writer, const Setting *setting)
{
    bool plain = setting->type == SETTING_BOOLEAN || setting->type == SETTING_INTEGER;
    if (plain) {
        json_write_raw(writer, "default", setting->initial);
    } else if (setting->type == SETTING_HEADERS) {
        json_write_raw(writer, "default", "{}");
    } else if (setting->type == SETTING_LIST && !setting->initial[0]) {
        json_write_raw(writer, "default", "[]");
    } else {
        json_write_text(writer, "default", setting->initial);
    }
}

/* A list, or items between commas. */
static void write_list(JsonWriter *writer)
{
    json_begin_array(writer, "oneOf");
    json_begin_object(writer, NULL);
    schema_write_scalar(writer);
    json_end_object(writer);
    json_begin_object(writer, NULL);
    schema_write_texts(writer, 0);
    json_end_object(writer);
    json_end_array(writer);
}

static void write_type(JsonWriter *writer, const Setting *setting)
{
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
        schema_write_scalar(writer);
        break;
    case SETTING_URL:
        schema_write_pattern(
            writer, "^(https?://([^\\]/:?#@\\[ \\t\\r\\n]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[^?# \\t\\r\\n]*)?)?$");
        break;
    case SETTING_DURATION:
        schema_write_pattern(writer, setting->minimum > 0 ? SCHEMA_SOME_DURATION : SCHEMA_DURATION);
        break;
    case SETTING_INTEGER:
        json_write_text(writer, "type", "integer");
        json_write_integer(writer, "minimum", setting->minimum);
        json_write_integer(writer, "maximum", setting->maximum);
        break;
    case SETTING_BOOLEAN:
        json_write_text(writer, "type", "boolean");
        break;
    case SETTING_CHOICE:
        schema_write_choices(writer, setting->choices);
        break;
    case SETTING_LIST:
        write_list(writer);
        break;
    case SETTING_HEADERS:
        json_write_text(writer, "type", "object");
        json_begin_object(writer, "additionalProperties");
        schema_write_scalar(writer);
        json_end_object(writer);
        break;
    }
}

static void write_level(JsonWriter *writer, const char *prefix);

/* The member of the level `prefix` that leads to a setting: the setting itself, or the group that it stands in. */
static void write_member(JsonWriter *writer, const char *prefix, const Setting *setting)
{
    size_t length = strlen(prefix), part = strcspn(setting->path + length, ".");
    auto_free char *path = text_copy_length(setting->path, length + part);
    json_begin_object(writer, path + length);
    if (setting->path[length + part] == '.') {
        const char *description = group_description(path);
        auto_free char *below = text_format("%s.", path);
        invariant(description != NULL);
        json_write_text(writer, "description", description);
        write_level(writer, below);
    } else {
        json_write_text(writer, "description", setting->description);
        write_type(writer, setting);
        write_default(writer, setting);
    }
    json_end_object(writer);
}

/* The settings whose path goes on behind `prefix`. Those of one group stand together: the first of them opens it. */
static void write_level(JsonWriter *writer, const char *prefix)
{
    size_t length = strlen(prefix);
    json_write_text(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *path = settings[i].path;
        if (!text_starts_with(path, prefix)) {
            continue;
        }
        size_t part = strcspn(path + length, ".");
        if (i == 0 || strncmp(settings[i - 1].path, path, length + part + 1) != 0) {
            write_member(writer, prefix, &settings[i]);
        }
    }
    json_end_object(writer);
    json_write_boolean(writer, "additionalProperties", false);
}

void configuration_schema_print(Buffer *out)
{
    JsonWriter writer;
    json_writer_init_indented(&writer, out);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_write_text(&writer, "title", "The agent's configuration");
    json_write_text(&writer, "description", "Every key has a default that works on one machine");
    write_level(&writer, "");
    json_end_object(&writer);
    buffer_char(out, '\n');
}
