/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a sendpost: one table for each kind, told apart by the key that makes the kind. */
#include "base/memory.h"
#include "base/text.h"
#include "definitions/reading.h"
#include "time/duration.h"
#include <string.h>

enum { RETRIES_MAX = 100, RETRY_DELAY_DEFAULT_MS = 10000, CONCURRENT_MAX = 1000 };

const char *const node_kind_names[] = {"run", "observe", "parallel", "sequence", NULL};
const char *const when_names[] = {"success", "failure", "always", NULL};
static const char *const on_timeout_names[] = {"cancel", "leave", NULL};
static const char *const on_failure_names[] = {"wait", "cancel", NULL};

/* A stage while it is read. */
typedef struct StageDraft {
    Node node;
    NodeSource source;
    int when, on_timeout, on_failure;
    const DocumentNode *children;
    char *description;
} StageDraft;

static void read_deployment(Reader *reader, const DocumentNode *node, void *target)
{
    StageDraft *draft = target;
    const char *text = reader_text(reader, node, "deployment");
    if (!text) {
        return;
    }
    const char *slash = strchr(text, '/');
    bool named = slash && slash > text && slash[1] && !strchr(slash + 1, '/');
    if (!named && !text_is_uuid(text)) {
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

static void text_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "string");
}

static void names_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "array");
    json_begin_object(writer, "items");
    json_write_text(writer, "type", "string");
    json_end_object(writer);
}

static void when_schema(JsonWriter *writer)
{
    json_begin_array(writer, "enum");
    for (size_t i = 0; when_names[i]; i++) {
        json_write_text(writer, NULL, when_names[i]);
    }
    json_end_array(writer);
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
     .schema = text_schema,
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
     .schema = text_schema,
     .required = true,
     .description = "Deployment whose flow run somebody else starts: flow/deployment, or its UUID"},
    {.name = "within",
     .type = KEY_CUSTOM,
     .read = read_within,
     .schema = text_schema,
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

static const struct {
    const char *key; /* that makes the kind */
    const Key *keys;
    size_t count;
} kinds[] = {
    [NODE_RUN] = {"run", run_keys, sizeof run_keys / sizeof *run_keys},
    [NODE_OBSERVE] = {"observe", observe_keys, sizeof observe_keys / sizeof *observe_keys},
    [NODE_PARALLEL] = {"parallel", parallel_keys, sizeof parallel_keys / sizeof *parallel_keys},
    [NODE_SEQUENCE] = {"stages", sequence_keys, sizeof sequence_keys / sizeof *sequence_keys},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A slip of the fingers in the key that makes the kind. */
static bool misspelt_kind(Reader *reader, const DocumentNode *mapping)
{
    const char *names[KINDS];
    for (int i = 0; i < KINDS; i++) {
        names[i] = kinds[i].key;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        const DocumentNode *key = mapping->keys[i];
        const char *nearest = reader_nearest(reader, key, key->text, names, KINDS);
        if (nearest) {
            reader_error(reader, key, "unknown key '%.80s', did you mean '%s'?", key->text, nearest);
            return true;
        }
    }
    return false;
}

static bool kind_of(Reader *reader, const DocumentNode *mapping, NodeKind *kind)
{
    int found = 0;
    for (int i = 0; i < KINDS; i++) {
        if (document_find(mapping, kinds[i].key)) {
            *kind = (NodeKind)i;
            found++;
        }
    }
    if (found > 1 || (found == 0 && !misspelt_kind(reader, mapping))) {
        reader_error(reader, mapping, "a stage needs %s of the keys 'run', 'observe', 'parallel' and 'stages'",
                     found ? "only one" : "one");
    }
    return found == 1;
}

/* A key that another kind of stage has. */
static const char *foreign_key_hint(const char *key)
{
    static const char *const hints[] = {[NODE_RUN] = "it belongs to 'run' stages",
                                        [NODE_OBSERVE] = "it belongs to 'observe' stages",
                                        [NODE_PARALLEL] = "it belongs to 'parallel' stages",
                                        [NODE_SEQUENCE] = "it belongs to lists of stages"};
    for (int i = 0; i < KINDS; i++) {
        for (size_t j = 0; j < kinds[i].count; j++) {
            if (text_equal(kinds[i].keys[j].name, key)) {
                return hints[i];
            }
        }
    }
    return NULL;
}

static void check_name(StageReader *stages, const DocumentNode *mapping, const char *name, int parent)
{
    const Definition *definition = stages->reader.definition;
    for (size_t i = 0; name && i < definition->node_count; i++) {
        if (definition->nodes[i].parent == parent && text_equal(definition->nodes[i].name, name)) {
            const DocumentNode *at = document_find(mapping, "name");
            reader_error(&stages->reader, at, "the stage '%s' stands here already, in line %d", name,
                         definition->nodes[i].line);
            return;
        }
    }
}

static char *path_of(StageReader *stages, const DocumentNode *mapping, const char *name, int parent)
{
    const char *last = name ? name : "?";
    const Definition *definition = stages->reader.definition;
    char *path = parent >= 0 ? text_format("%s/%s", definition->nodes[parent].path, last) : text_copy(last);
    if (strlen(path) > PATH_MAX_LENGTH) {
        reader_error(&stages->reader, mapping, "the path of this stage is longer than %d bytes", PATH_MAX_LENGTH);
    }
    return path;
}

static void draft_finish(Reader *reader, StageDraft *draft, const DocumentNode *mapping)
{
    Node *node = &draft->node;
    node->when = (When)draft->when;
    node->leave_on_timeout = draft->on_timeout == 1;
    node->cancel_on_failure = draft->on_failure == 1;
    if (node->leave_on_timeout && node->retries) {
        reader_error(reader, document_find(mapping, "on_timeout"), "'on_timeout: leave' excludes 'retries'");
    }
    if (node->leave_on_timeout && !node->timeout_ms) {
        reader_error(reader, document_find(mapping, "on_timeout"), "'on_timeout' needs a 'timeout'");
    }
    free(draft->description);
}

static void node_add(StageReader *stages, const StageDraft *draft)
{
    Definition *definition = stages->reader.definition;
    size_t capacity = stages->node_capacity;
    definition->nodes = array_grow(definition->nodes, definition->node_count, &stages->node_capacity, sizeof(Node));
    if (capacity != stages->node_capacity) {
        stages->sources = memory_resize(stages->sources, stages->node_capacity, sizeof *stages->sources);
    }
    stages->sources[definition->node_count] = draft->source;
    definition->nodes[definition->node_count++] = draft->node;
}

static void stage_read(StageReader *stages, const DocumentNode *mapping, int parent)
{
    Definition *definition = stages->reader.definition;
    bool incomplete = stages->incomplete;
    NodeKind kind;
    stages->incomplete = true; /* until it has been read */
    if (mapping->kind != DOCUMENT_MAPPING) {
        reader_error(&stages->reader, mapping, "a stage must be a mapping, not %s", document_kind_name(mapping));
        return;
    }
    if (!kind_of(&stages->reader, mapping, &kind)) {
        return;
    }
    if (definition->node_count == STAGES_MAX) {
        reader_error(&stages->reader, mapping, "more than %d stages", STAGES_MAX);
        return;
    }
    StageDraft draft = {.source = {.mapping = mapping}};
    draft.node = (Node){.kind = kind,
                        .parent = parent,
                        .line = mapping->line,
                        .column = mapping->column,
                        .retry_delay_ms = RETRY_DELAY_DEFAULT_MS,
                        .within_today = kind == NODE_OBSERVE};
    keys_read(&stages->reader, mapping, "a stage", kinds[kind].keys, kinds[kind].count, &draft, foreign_key_hint);
    draft_finish(&stages->reader, &draft, mapping);
    check_name(stages, mapping, draft.node.name, parent);
    draft.node.path = path_of(stages, mapping, draft.node.name, parent);
    int index = (int)definition->node_count;
    node_add(stages, &draft);
    stages->incomplete = incomplete || !draft.node.name || (!node_is_leaf(&draft.node) && !draft.children);
    if (draft.children) {
        stages_read(stages, draft.children, index);
    }
    definition->nodes[index].end = (int)definition->node_count;
}

void stages_read(StageReader *stages, const DocumentNode *list, int parent)
{
    for (size_t i = 0; i < list->count; i++) {
        stage_read(stages, list->items[i], parent);
    }
}

void stages_schema(JsonWriter *writer)
{
    children_schema(writer);
}

void stage_definitions_schema(JsonWriter *writer)
{
    json_begin_object(writer, "$defs");
    json_begin_object(writer, "stage");
    json_begin_array(writer, "oneOf");
    for (int i = 0; i < KINDS; i++) {
        json_begin_object(writer, NULL);
        keys_write_schema(writer, kinds[i].keys, kinds[i].count);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
    json_end_object(writer);
}
