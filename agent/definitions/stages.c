/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a sendpost, recursively. */
#include "base/memory.h"
#include "base/text.h"
#include "definitions/stage_keys.h"
#include <string.h>

enum { RETRY_DELAY_DEFAULT_MS = 10000 };

/* A slip of the fingers in the key that makes the kind. */
static bool misspelt_kind(Reader *reader, const DocumentNode *mapping)
{
    const char *names[STAGE_KINDS];
    for (int i = 0; i < STAGE_KINDS; i++) {
        names[i] = stage_kinds[i].key;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        const DocumentNode *key = mapping->keys[i];
        const char *nearest = reader_nearest(reader, key, key->text, names, STAGE_KINDS);
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
    for (int i = 0; i < STAGE_KINDS; i++) {
        if (document_find(mapping, stage_kinds[i].key)) {
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
    for (int i = 0; i < STAGE_KINDS; i++) {
        for (size_t j = 0; j < stage_kinds[i].count; j++) {
            if (text_equal(stage_kinds[i].keys[j].name, key)) {
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
    keys_read(&stages->reader, mapping, "a stage", stage_kinds[kind].keys, stage_kinds[kind].count, &draft,
              foreign_key_hint);
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
