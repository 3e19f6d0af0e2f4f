/* SPDX-License-Identifier: Apache-2.0 */
/* Every ${...} of a definition is looked at when it is read, so that rendering cannot fail. */
#include "base/memory.h"
#include "base/text.h"
#include "definitions/reading.h"
#include "definitions/template.h"
#include <string.h>

/* Where the template stands. */
typedef struct Place {
    StageReader *stages;
    int node;          /* of the stage; -1: in the default of a parameter */
    size_t parameters; /* that may be named: those before it, or all */
    bool *before;      /* by node: whether it comes before this one; NULL: not asked yet */
} Place;

static bool names_equal(const char *name, const TemplatePart *part)
{
    return strlen(name) == part->length && memcmp(name, part->text, part->length) == 0;
}

static void check_parameter(const Place *place, const DocumentNode *at, const TemplatePart *part)
{
    const Definition *definition = place->stages->reader.definition;
    const char *names[PARAMETERS_MAX];
    for (size_t i = 0; i < place->parameters; i++) {
        names[i] = definition->parameters[i].name;
        if (names_equal(names[i], part)) {
            return;
        }
    }
    auto_free char *name = text_copy_length(part->text, part->length);
    const char *nearest = reader_nearest(&place->stages->reader, at, name, names, place->parameters);
    reader_error(&place->stages->reader, at, "unknown parameter '%.80s' in a template%s%s%s", name,
                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* Marks all that `node` comes after. */
static void mark_before(const Definition *definition, int node, bool *marks)
{
    const Node *leaf = &definition->nodes[node];
    for (size_t i = 0; i < leaf->needs_count; i++) {
        if (!marks[leaf->needs[i]]) {
            marks[leaf->needs[i]] = true;
            mark_before(definition, leaf->needs[i], marks);
        }
    }
}

static bool comes_before(Place *place, int node)
{
    const Definition *definition = place->stages->reader.definition;
    if (!place->before) {
        place->before = memory_new(definition->node_count * sizeof *place->before);
        mark_before(definition, place->node, place->before);
    }
    return place->before[node];
}

static void check_stage(Place *place, const DocumentNode *at, const TemplatePart *part)
{
    const Definition *definition = place->stages->reader.definition;
    auto_free char *path = text_copy_length(part->text, part->length);
    if (place->node < 0) {
        reader_error(&place->stages->reader, at, "a default value cannot name a stage");
        return;
    }
    if (place->stages->incomplete) {
        return; /* it may be among those that could not be read */
    }
    int found = stage_find(place->stages, path);
    if (found < 0) {
        unknown_stage(&place->stages->reader, at, path);
        return;
    }
    if (!node_is_leaf(&definition->nodes[found])) {
        reader_error(&place->stages->reader, at, "'%.100s' is a group: it has no flow run", path);
        return;
    }
    if (!comes_before(place, found)) {
        reader_error(&place->stages->reader, at, "the stage '%.100s' does not come before this one", path);
    }
}

static void check_part(Place *place, const DocumentNode *at, int got, const TemplatePart *part, const Error *error)
{
    if (got < 0) {
        reader_error(&place->stages->reader, at, "%s", error->text);
    } else if (part->kind == TEMPLATE_PARAMETER) {
        check_parameter(place, at, part);
    } else if (part->kind == TEMPLATE_FLOW_RUN) {
        check_stage(place, at, part);
    }
}

static void check_text(Place *place, const DocumentNode *node)
{
    const char *at = node->text;
    TemplatePart part;
    Error error = {0};
    for (const char *start = NULL; at != start;) { /* behind an unknown one it goes on */
        start = at;
        int got = template_next(&at, &part, &error);
        if (got == 0 || (got > 0 && part.kind == TEMPLATE_LITERAL)) {
            continue;
        }
        DocumentNode spot = {.line = node->line, .column = node->column};
        if (findings_keep(place->stages->reader.findings, SEVERITY_ERROR, node->line, node->column)) {
            document_locate(node, "${", start, &spot.line, &spot.column);
        }
        check_part(place, &spot, got, &part, &error);
    }
}

static void check_node(Place *place, const DocumentNode *node)
{
    if (node->kind == DOCUMENT_STRING) {
        check_text(place, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        check_node(place, node->items[i]);
    }
}

static void check_declarations(StageReader *stages)
{
    for (size_t i = 0; stages->parameters && i < stages->parameters->count; i++) {
        const DocumentNode *node = stages->parameters->items[i];
        const DocumentNode *value = node->kind == DOCUMENT_MAPPING ? document_find(node, "default") : node;
        if (value) {
            check_node(&(Place){stages, -1, i, NULL}, value);
        }
    }
}

void templates_check(StageReader *stages)
{
    const Definition *definition = stages->reader.definition;
    check_declarations(stages);
    for (int i = 0; i < (int)definition->node_count; i++) {
        Place place = {stages, i, definition->parameter_count, NULL};
        if (stages->sources[i].parameters) {
            check_node(&place, stages->sources[i].parameters);
        }
        if (stages->sources[i].match) {
            check_node(&place, stages->sources[i].match);
        }
        free(place.before);
    }
}
