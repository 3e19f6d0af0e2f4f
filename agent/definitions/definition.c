/* SPDX-License-Identifier: Apache-2.0 */
/* The top level of a definition file, and the life of what is read from it. */
#include "definitions/definition.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/reading.h"
#include "definitions/schema.h"
#include <string.h>

const char *const catch_up_names[] = {"none", "latest", "all", NULL};
const char *const concurrency_names[] = {"forbid", "queue", "replace", NULL};

static void read_zone(Reader *reader, const DocumentNode *node, char **name, const Zone **zone)
{
    const char *text = reader_text(reader, node, "timezone");
    const DefinitionSource *source = reader->source;
    if (!text) {
        return;
    }
    bool known = zone_is_name(text) && (!source || !source->zone_find || source->zone_find(source->user, text, zone));
    if (!known) {
        reader_error(reader, node, "unknown time zone '%.80s'", text);
        return;
    }
    text_replace(name, text);
}

static void read_timezone(Reader *reader, const DocumentNode *node, void *target)
{
    Definition *definition = target;
    read_zone(reader, node, &definition->timezone, &definition->zone);
}

static void read_labels(Reader *reader, const DocumentNode *node, void *target)
{
    Definition *definition = target;
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "'labels' must be a mapping of strings, not %s", document_kind_name(node));
        return;
    }
    if (node->count > LABELS_MAX) {
        reader_error(reader, node, "more than %d labels", LABELS_MAX);
        return;
    }
    definition->labels = memory_new(node->count * sizeof *definition->labels);
    for (size_t i = 0; i < node->count; i++) {
        const char *value = reader_text(reader, node->items[i], node->keys[i]->text);
        definition->labels[definition->label_count++] =
            (Label){text_copy(node->keys[i]->text), text_copy(value ? value : "")};
    }
}

/* --- schedules --- */

typedef struct ScheduleDraft {
    Schedule schedule;
    int catch_up;
} ScheduleDraft;

static void read_cron(Reader *reader, const DocumentNode *node, void *target)
{
    Schedule *schedule = &((ScheduleDraft *)target)->schedule;
    const char *text = reader_text(reader, node, "cron");
    Error error = {0};
    if (!text) {
        return;
    }
    if (!cron_parse(text, &schedule->cron, &error)) {
        reader_error(reader, node, "'cron': %s", error.text);
        return;
    }
    text_replace(&schedule->expression, text);
}

static void read_schedule_zone(Reader *reader, const DocumentNode *node, void *target)
{
    Schedule *schedule = &((ScheduleDraft *)target)->schedule;
    read_zone(reader, node, &schedule->timezone, &schedule->zone);
}

static void zone_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "string");
}

static void cron_schema(JsonWriter *writer)
{
    schema_write_pattern(writer, "^[ \\t]*(@[A-Za-z]+|([^ \\t@]+[ \\t]+){4}[^ \\t]+)[ \\t]*$");
}

static void labels_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "object");
    json_write_integer(writer, "maxProperties", LABELS_MAX);
    json_begin_object(writer, "additionalProperties");
    schema_write_scalar(writer);
    json_end_object(writer);
}

static const Key schedule_keys[] = {
    {.name = "cron",
     .type = KEY_CUSTOM,
     .read = read_cron,
     .schema = cron_schema,
     .required = true,
     .description = "Five fields, or @daily and the like"},
    {.name = "timezone",
     .type = KEY_CUSTOM,
     .read = read_schedule_zone,
     .schema = zone_schema,
     .description = "IANA name; default: the sendpost's"},
    {.name = "catch_up",
     .type = KEY_CHOICE,
     .offset = offsetof(ScheduleDraft, catch_up),
     .choices = catch_up_names,
     .description = "Which ticks missed while the agent was down are run: none (default), latest or all"},
};
enum { SCHEDULE_KEYS = sizeof schedule_keys / sizeof *schedule_keys };

static void schedule_read(Reader *reader, const DocumentNode *node, Definition *definition)
{
    ScheduleDraft draft = {0};
    keys_read(reader, node, "a schedule", schedule_keys, SCHEDULE_KEYS, &draft, NULL);
    draft.schedule.catch_up = (CatchUp)draft.catch_up;
    definition->schedules =
        memory_resize(definition->schedules, definition->schedule_count + 1, sizeof *definition->schedules);
    definition->schedules[definition->schedule_count++] = draft.schedule;
}

static void read_schedule(Reader *reader, const DocumentNode *node, void *target)
{
    if (node->kind != DOCUMENT_SEQUENCE) {
        schedule_read(reader, node, target);
        return;
    }
    if (node->count > SCHEDULES_MAX) {
        reader_error(reader, node, "more than %d schedules", SCHEDULES_MAX);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        schedule_read(reader, node->items[i], target);
    }
}

static void schedule_schema(JsonWriter *writer)
{
    json_begin_array(writer, "oneOf");
    json_begin_object(writer, NULL);
    json_write_text(writer, "$ref", "#/$defs/schedule");
    json_end_object(writer);
    json_begin_object(writer, NULL);
    json_write_text(writer, "type", "array");
    json_write_integer(writer, "maxItems", SCHEDULES_MAX);
    json_begin_object(writer, "items");
    json_write_text(writer, "$ref", "#/$defs/schedule");
    json_end_object(writer);
    json_end_object(writer);
    json_end_array(writer);
}

/* --- webhook --- */

static void read_secret_file(Reader *reader, const DocumentNode *node, void *target)
{
    Definition *definition = target;
    const char *text = reader_text(reader, node, "secret_file");
    const DefinitionSource *source = reader->source;
    if (!text) {
        return;
    }
    text_replace(&definition->webhook_secret_file, text);
    if (source && source->file_exists && !source->file_exists(source->user, text)) {
        findings_add(reader->findings, SEVERITY_WARNING, node->line, node->column, "the file '%s' does not exist here",
                     text);
    }
}

static const Key webhook_keys[] = {
    {.name = "secret_file",
     .type = KEY_CUSTOM,
     .read = read_secret_file,
     .schema = schema_write_scalar,
     .required = true,
     .description = "File with the secret that signs requests; relative to the directory of definitions"},
};
enum { WEBHOOK_KEYS = sizeof webhook_keys / sizeof *webhook_keys };

static void read_webhook(Reader *reader, const DocumentNode *node, void *target)
{
    keys_read(reader, node, "'webhook'", webhook_keys, WEBHOOK_KEYS, target, NULL);
}

static void webhook_schema(JsonWriter *writer)
{
    keys_write_schema(writer, webhook_keys, WEBHOOK_KEYS);
}

/* --- the top --- */

static void read_stages(Reader *reader, const DocumentNode *node, void *target)
{
    (void)target;
    if (node->kind != DOCUMENT_SEQUENCE || node->count == 0) {
        reader_error(reader, node, "'stages' must be a list with at least one stage");
        return;
    }
    ((StageReader *)reader)->stages = node;
}

static const Key top_keys[] = {
    {.name = "name",
     .type = KEY_NAME,
     .offset = offsetof(Definition, name),
     .required = true,
     .description = "Name of the sendpost, unique in the directory"},
    {.name = "description", .type = KEY_TEXT, .offset = offsetof(Definition, description), .description = "For people"},
    {.name = "owner",
     .type = KEY_TEXT,
     .offset = offsetof(Definition, owner),
     .description = "Team or person, shown in alerts and on the page"},
    {.name = "labels",
     .type = KEY_CUSTOM,
     .read = read_labels,
     .schema = labels_schema,
     .description = "Shown in the API and in sendpost_label_info"},
    {.name = "enabled",
     .type = KEY_BOOLEAN,
     .offset = offsetof(Definition, enabled),
     .description = "false: never started"},
    {.name = "timezone",
     .type = KEY_CUSTOM,
     .read = read_timezone,
     .schema = zone_schema,
     .description = "IANA name: what a day is here; default UTC"},
    {.name = "parameters",
     .type = KEY_CUSTOM,
     .read = declarations_read,
     .schema = declarations_schema,
     .description = "What a run may be given; a mapping declares, anything else is a default value"},
    {.name = "schedule",
     .type = KEY_CUSTOM,
     .read = read_schedule,
     .schema = schedule_schema,
     .description = "When it is due: one, or a list"},
    {.name = "webhook",
     .type = KEY_CUSTOM,
     .read = read_webhook,
     .schema = webhook_schema,
     .description = "Lets signed requests start it"},
    {.name = "concurrency",
     .type = KEY_CHOICE,
     .offset = offsetof(Definition, concurrency),
     .choices = concurrency_names,
     .description = "While a run is active: forbid (default), queue or replace"},
    {.name = "timeout",
     .type = KEY_DURATION,
     .offset = offsetof(Definition, timeout_ms),
     .minimum = 1,
     .description = "Of the whole run"},
    {.name = "deadline",
     .type = KEY_DURATION,
     .offset = offsetof(Definition, deadline_ms),
     .minimum = 1,
     .description = "Objective: a success is due this long after each tick"},
    {.name = "freshness",
     .type = KEY_DURATION,
     .offset = offsetof(Definition, freshness_ms),
     .minimum = 1,
     .description = "Objective: the last success is not older than this"},
    {.name = "stages",
     .type = KEY_CUSTOM,
     .read = read_stages,
     .schema = stages_schema,
     .required = true,
     .description = "What it does, in order"},
};
enum { TOP_KEYS = sizeof top_keys / sizeof *top_keys };

/* A schedule without a zone of its own has the sendpost's, wherever that stands in the file. */
static void inherit_zone(Definition *definition)
{
    for (size_t i = 0; i < definition->schedule_count; i++) {
        Schedule *schedule = &definition->schedules[i];
        if (!schedule->timezone) {
            schedule->timezone = text_copy(definition->timezone);
            schedule->zone = definition->zone;
        }
    }
}

/* A schedule gives no parameters: what is required would keep it from ever starting a run. */
static void check_scheduled(const Reader *reader, const Definition *definition)
{
    for (size_t i = 0; definition->schedule_count && i < definition->parameter_count; i++) {
        const Parameter *parameter = &definition->parameters[i];
        if (parameter->required) {
            findings_add(reader->findings, SEVERITY_WARNING, parameter->line, parameter->column,
                         "no schedule can start this: the parameter '%s' is required and has no default",
                         parameter->name);
        }
    }
}

static void read_whole(StageReader *stages, const DocumentNode *root)
{
    Definition *definition = stages->reader.definition;
    bool mapping = keys_read(&stages->reader, root, "a sendpost", top_keys, TOP_KEYS, definition, NULL);
    if (mapping && stages->stages) {
        stages_read(stages, stages->stages, -1);
    }
    inherit_zone(definition);
    check_scheduled(&stages->reader, definition);
    /* Of stages that could not be read nothing more is said. */
    stages->incomplete = stages->incomplete || !stages->stages;
    if (!stages->incomplete) {
        graph_compile(stages);
    }
    templates_check(stages);
}

Definition *definition_read(const char *text, size_t length, const DefinitionSource *source, Findings *findings)
{
    size_t errors = findings->errors;
    DocumentNode *root = document_parse(text, length, findings);
    if (!root) {
        return NULL;
    }
    if (root->kind == DOCUMENT_NULL) {
        findings_add(findings, SEVERITY_ERROR, 1, 1, "the file is empty");
        document_free(root);
        return NULL;
    }
    Definition *definition = memory_new(sizeof *definition);
    *definition = (Definition){.references = 1, .enabled = true, .timezone = text_copy("UTC"), .length = length};
    StageReader stages = {.reader = {findings, source, definition}};
    read_whole(&stages, root);
    document_free(root);
    free(stages.sources);
    map_free(stages.paths);
    if (findings->errors > errors) {
        definition_release(definition);
        return NULL;
    }
    definition->text = text_copy_length(text, length);
    digest_sha256_hex(text, length, definition->sha256);
    return definition;
}

char *definition_name_told(const char *text, size_t length)
{
    Findings findings = {0};
    DocumentNode *root = document_parse(text, length, &findings);
    const DocumentNode *name = root ? document_find(root, "name") : NULL;
    char *told = name && name->text ? text_copy(name->text) : NULL;
    document_free(root);
    findings_release(&findings);
    return told;
}

Definition *definition_hold(Definition *definition)
{
    definition->references++;
    return definition;
}

static void node_release(Node *node)
{
    free(node->name);
    free(node->path);
    free(node->after);
    free(node->needs);
    free(node->deployment);
    json_free(node->parameters);
    json_free(node->tags);
    json_free(node->job_variables);
    json_free(node->match_parameters);
    json_free(node->match_tags);
}

static void lists_release(Definition *definition)
{
    for (size_t i = 0; i < definition->label_count; i++) {
        free(definition->labels[i].name);
        free(definition->labels[i].value);
    }
    for (size_t i = 0; i < definition->parameter_count; i++) {
        free(definition->parameters[i].name);
        free(definition->parameters[i].description);
        json_free(definition->parameters[i].default_value);
        json_free(definition->parameters[i].enumeration);
    }
    for (size_t i = 0; i < definition->schedule_count; i++) {
        free(definition->schedules[i].expression);
        free(definition->schedules[i].timezone);
    }
    for (size_t i = 0; i < definition->node_count; i++) {
        node_release(&definition->nodes[i]);
    }
}

void definition_release(Definition *definition)
{
    if (!definition) {
        return;
    }
    invariant(definition->references > 0);
    if (--definition->references > 0) {
        return;
    }
    lists_release(definition);
    free(definition->labels);
    free(definition->parameters);
    free(definition->schedules);
    free(definition->nodes);
    free(definition->text);
    free(definition->name);
    free(definition->description);
    free(definition->owner);
    free(definition->timezone);
    free(definition->webhook_secret_file);
    free(definition);
}

bool definition_is_reference(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash ? slash > text && slash[1] && !strchr(slash + 1, '/') : text_is_uuid(text);
}

int definition_node_find(const Definition *definition, const char *path)
{
    for (size_t i = 0; i < definition->node_count; i++) {
        if (text_equal(definition->nodes[i].path, path)) {
            return (int)i;
        }
    }
    return -1;
}

void definition_schema_print(Buffer *out)
{
    JsonWriter writer;
    json_writer_init_indented(&writer, out);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_write_text(&writer, "title", "A sendpost");
    json_write_text(&writer, "description", "A chain of stages, each a Prefect deployment: one YAML file");
    keys_write_schema(&writer, top_keys, TOP_KEYS);
    json_begin_object(&writer, "$defs");
    json_begin_object(&writer, "schedule");
    keys_write_schema(&writer, schedule_keys, SCHEDULE_KEYS);
    json_end_object(&writer);
    stage_definition_schema(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    buffer_char(out, '\n');
}
