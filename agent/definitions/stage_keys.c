/* SPDX-License-Identifier: Apache-2.0 */
/* One table for each kind of stage, how its keys are read, and their schema. */
#include "definitions/stage_keys.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

enum { RETRIES_MAX = 100, CONCURRENT_MAX = 1000 };

const char *const node_kind_names[] = {"run", "observe", "parallel", "sequence", NULL};
const char *const when_names[] = {"success", "failure", "always", NULL};
static const char *const on_timeout_names[] = {"cancel", "leave", NULL};
static const char *const on_failure_names[] = {"wait", "cancel", NULL};

static void read_deployment(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    const char *text = reader_text(reader, node, "deployment");
    if (!text) {
        return;
    }
    if (!definition_is_reference(text)) {
        reader_error(reader, node, "'%.100s' is neither flow/deployment nor a deployment's UUID", text);
        return;
    }
    text_replace(&draft->node.deployment, text);
}

static void read_within(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    const char *text = reader_text(reader, node, "within");
    draft->node.within_today = text && text_equal(text, "today");
    if (text && !draft->node.within_today) {
        reader_duration(reader, node, "within", 1, &draft->node.within_ms);
    }
}

static void read_needs(Reader *reader, const DocumentNode *node, void *target)
{
    if (node->kind != DOCUMENT_SEQUENCE) {
        reader_error(reader, node, "'needs' must be a list of stages, not %s", document_kind_name(node));
        return;
    }
    ((StageDraft *)target)->source.needs = node;
}

static void read_when(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    const char *text = reader_text(reader, node, "when");
    for (int i = 0; text && when_names[i]; i++) {
        if (text_equal(text, when_names[i])) {
            draft->when = i;
            draft->source.when = node;
            return;
        }
    }
    if (text) {
        reader_error(reader, node, "'when' must be success, failure or always, not '%.60s'", text);
    }
}

static void read_children(Reader *reader, const DocumentNode *node, void *target)
{
    if (node->kind != DOCUMENT_SEQUENCE || node->count == 0) {
        reader_error(reader, node, "a group must be a list with at least one stage");
        return;
    }
    ((StageDraft *)target)->children = node;
}

static void read_parameters(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "'parameters' must be a mapping, not %s", document_kind_name(node));
        return;
    }
    draft->source.parameters = node;
    draft->node.parameters = reader_json(reader, node);
}

static void read_match_parameters(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "'parameters' must be a mapping, not %s", document_kind_name(node));
        return;
    }
    draft->node.match_parameters = reader_json(reader, node);
}

static void object_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "object");
}

static void deployment_schema(JsonWriter *writer)
{
    schema_write_pattern(writer, "^([^/]+/[^/]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$");
}

static void within_schema(JsonWriter *writer)
{
    schema_write_pattern(writer, "^(today|(?=.*[1-9])" SCHEMA_DURATION_BODY ")$");
}

static void names_schema(JsonWriter *writer)
{
    schema_write_texts(writer, 0);
}

static void when_schema(JsonWriter *writer)
{
    schema_write_choices(writer, when_names);
}

#define MATCH_KEY_TAGS                                                                                                 \
    {                                                                                                                  \
        .name = "tags", .type = KEY_TEXT_LIST, .offset = offsetof(StageDraft, node.match_tags), .maximum = TAGS_MAX,   \
        .description = "All of these tags"                                                                             \
    }
static const Key match_keys[] = {
    {.name = "parameters",
     .type = KEY_CUSTOM,
     .read = read_match_parameters,
     .schema = object_schema,
     .description = "These parameters with these values; may hold templates"},
    MATCH_KEY_TAGS,
};
enum { MATCH_KEYS = sizeof match_keys / sizeof *match_keys };

static void read_match(Reader *reader, const DocumentNode *node, void *target)
{
    ((StageDraft *)target)->source.match = node;
    keys_read(reader, node, "'match'", match_keys, MATCH_KEYS, target, NULL);
}

static void match_schema(JsonWriter *writer)
{
    keys_write_schema(writer, match_keys, MATCH_KEYS);
}

#define KEY_STAGE_NAME                                                                                                 \
    {                                                                                                                  \
        .name = "name", .type = KEY_NAME, .offset = offsetof(StageDraft, node.name), .required = true,                 \
        .description = "Name, unique among its siblings"                                                               \
    }
#define KEY_STAGE_DESCRIPTION                                                                                          \
    {                                                                                                                  \
        .name = "description", .type = KEY_TEXT, .offset = offsetof(StageDraft, description),                          \
        .description = "For people"                                                                                    \
    }
#define KEY_STAGE_NEEDS                                                                                                \
    {                                                                                                                  \
        .name = "needs", .type = KEY_CUSTOM, .read = read_needs, .schema = names_schema,                               \
        .description = "Stages that come before, instead of the one before; []: from the start"                        \
    }
#define KEY_STAGE_WHEN                                                                                                 \
    {                                                                                                                  \
        .name = "when", .type = KEY_CUSTOM, .read = read_when, .schema = when_schema,                                  \
        .description = "On which outcome of what it comes after; default success"                                      \
    }
#define KEYS_OF_LEAF                                                                                                   \
    {.name = "allow_failure",                                                                                          \
     .type = KEY_BOOLEAN,                                                                                              \
     .offset = offsetof(StageDraft, node.allow_failure),                                                               \
     .description = "Its failure does not fail the run"},                                                              \
        {.name = "blocked",                                                                                            \
         .type = KEY_BOOLEAN,                                                                                          \
         .offset = offsetof(StageDraft, node.blocked),                                                                 \
         .description = "Waits here until somebody resumes it"},                                                       \
    {                                                                                                                  \
        .name = "expected", .type = KEY_DURATION, .offset = offsetof(StageDraft, node.expected_ms), .minimum = 1,      \
        .description = "Usual duration: alerts compare with it"                                                        \
    }

static const Key run_keys[] = {
    KEY_STAGE_NAME,
    KEY_STAGE_DESCRIPTION,
    KEY_STAGE_NEEDS,
    KEY_STAGE_WHEN,
    KEYS_OF_LEAF,
    {.name = "run",
     .type = KEY_CUSTOM,
     .read = read_deployment,
     .schema = deployment_schema,
     .required = true,
     .description = "Deployment to start: flow/deployment, or its UUID"},
    {.name = "parameters",
     .type = KEY_CUSTOM,
     .read = read_parameters,
     .schema = object_schema,
     .description = "Sent to the flow run; may hold templates"},
    {.name = "tags",
     .type = KEY_TEXT_LIST,
     .offset = offsetof(StageDraft, node.tags),
     .maximum = TAGS_MAX,
     .description = "Added to the flow run"},
    {.name = "job_variables",
     .type = KEY_OBJECT,
     .offset = offsetof(StageDraft, node.job_variables),
     .description = "Passed through to Prefect"},
    {.name = "timeout",
     .type = KEY_DURATION,
     .offset = offsetof(StageDraft, node.timeout_ms),
     .minimum = 1,
     .description = "Of one attempt, from the creation of its flow run"},
    {.name = "on_timeout",
     .type = KEY_CHOICE,
     .offset = offsetof(StageDraft, on_timeout),
     .choices = on_timeout_names,
     .description = "What becomes of the flow run then; leave excludes retries"},
    {.name = "retries",
     .type = KEY_COUNT,
     .offset = offsetof(StageDraft, node.retries),
     .maximum = RETRIES_MAX,
     .description = "Further attempts, each a new flow run, after failed, crashed or timed_out"},
    {.name = "retry_delay",
     .type = KEY_DURATION,
     .offset = offsetof(StageDraft, node.retry_delay_ms),
     .description = "Before each further attempt; default 10s"},
};

static const Key observe_keys[] = {
    KEY_STAGE_NAME,
    KEY_STAGE_DESCRIPTION,
    KEY_STAGE_NEEDS,
    KEY_STAGE_WHEN,
    KEYS_OF_LEAF,
    {.name = "observe",
     .type = KEY_CUSTOM,
     .read = read_deployment,
     .schema = deployment_schema,
     .required = true,
     .description = "Deployment whose flow run somebody else starts: flow/deployment, or its UUID"},
    {.name = "within",
     .type = KEY_CUSTOM,
     .read = read_within,
     .schema = within_schema,
     .description = "today (default), or a duration back from the time that the run is for"},
    {.name = "wait",
     .type = KEY_DURATION,
     .offset = offsetof(StageDraft, node.wait_ms),
     .description = "How long to wait for it; default 0s: look once"},
    {.name = "match",
     .type = KEY_CUSTOM,
     .read = read_match,
     .schema = match_schema,
     .description = "Only such flow runs count"},
};

static void children_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "array");
    json_write_integer(writer, "minItems", 1);
    json_begin_object(writer, "items");
    json_write_text(writer, "$ref", "#/$defs/stage");
    json_end_object(writer);
}

static const Key parallel_keys[] = {
    KEY_STAGE_NAME,
    KEY_STAGE_DESCRIPTION,
    KEY_STAGE_NEEDS,
    KEY_STAGE_WHEN,
    {.name = "parallel",
     .type = KEY_CUSTOM,
     .read = read_children,
     .schema = children_schema,
     .required = true,
     .description = "Branches that run side by side"},
    {.name = "on_failure",
     .type = KEY_CHOICE,
     .offset = offsetof(StageDraft, on_failure),
     .choices = on_failure_names,
     .description = "When a branch fails: wait for the others (default), or cancel them"},
    {.name = "max_concurrent",
     .type = KEY_COUNT,
     .offset = offsetof(StageDraft, node.max_concurrent),
     .minimum = 1,
     .maximum = CONCURRENT_MAX,
     .description = "Branches at a time; default all"},
};

static const Key sequence_keys[] = {
    KEY_STAGE_NAME,
    KEY_STAGE_DESCRIPTION,
    KEY_STAGE_NEEDS,
    KEY_STAGE_WHEN,
    {.name = "stages",
     .type = KEY_CUSTOM,
     .read = read_children,
     .schema = children_schema,
     .required = true,
     .description = "Stages that follow one another"},
};

const StageKind stage_kinds[STAGE_KINDS] = {
    [NODE_RUN] = {"run", "Starts a deployment", run_keys, sizeof run_keys / sizeof *run_keys},
    [NODE_OBSERVE] = {"observe", "Watches for a flow run that somebody else starts", observe_keys,
                      sizeof observe_keys / sizeof *observe_keys},
    [NODE_PARALLEL] = {"parallel", "Branches side by side", parallel_keys,
                       sizeof parallel_keys / sizeof *parallel_keys},
    [NODE_SEQUENCE] = {"stages", "Stages one after another", sequence_keys,
                       sizeof sequence_keys / sizeof *sequence_keys},
};

void stages_schema(JsonWriter *writer)
{
    children_schema(writer);
}

/* "if": on_timeout is leave; "then": there is a timeout, and there are no retries. */
static void leave_schema(JsonWriter *writer)
{
    json_begin_object(writer, "if");
    json_begin_object(writer, "properties");
    json_begin_object(writer, "on_timeout");
    json_write_text(writer, "const", "leave");
    json_end_object(writer);
    json_end_object(writer);
    json_begin_array(writer, "required");
    json_write_text(writer, NULL, "on_timeout");
    json_end_array(writer);
    json_end_object(writer);
    json_begin_object(writer, "then");
    json_begin_object(writer, "properties");
    json_begin_object(writer, "retries");
    json_write_integer(writer, "const", 0);
    json_end_object(writer);
    json_end_object(writer);
    json_begin_array(writer, "required");
    json_write_text(writer, NULL, "timeout");
    json_end_array(writer);
    json_end_object(writer);
}

void stage_definition_schema(JsonWriter *writer)
{
    json_begin_object(writer, "stage");
    json_begin_array(writer, "oneOf");
    for (int i = 0; i < STAGE_KINDS; i++) {
        json_begin_object(writer, NULL);
        json_write_text(writer, "title", stage_kinds[i].title);
        keys_write_schema(writer, stage_kinds[i].keys, stage_kinds[i].count);
        if (i == NODE_RUN) {
            leave_schema(writer);
        }
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}
