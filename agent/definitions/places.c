/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a definition has been read before, so it parses, and its stages come in the order of the nodes. */
#include "definitions/places.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/document.h"

struct Places {
    DocumentNode *root;
    const DocumentNode **mappings; /* by node */
    size_t count, capacity;
};

static void collect(Places *places, const DocumentNode *list)
{
    for (size_t i = 0; list && i < list->count; i++) {
        const DocumentNode *mapping = list->items[i];
        array_push(places->mappings, places->count, places->capacity) = mapping;
        collect(places, document_find(mapping, node_kind_names[NODE_PARALLEL]));
        collect(places, document_find(mapping, "stages"));
    }
}

Places *places_new(const Definition *definition)
{
    Places *places = memory_new(sizeof *places);
    Findings findings = {0};
    places->root = document_parse(definition->text, definition->length, &findings);
    findings_release(&findings);
    invariant(places->root);
    collect(places, document_find(places->root, "stages"));
    invariant(places->count == definition->node_count);
    return places;
}

void places_free(Places *places)
{
    if (places) {
        document_free(places->root);
        free(places->mappings);
        free(places);
    }
}

/* The value under the key, or NULL; the place is then the key's. */
static const DocumentNode *enter(const DocumentNode *mapping, const char *key, int *line, int *column)
{
    for (size_t i = 0; mapping->kind == DOCUMENT_MAPPING && i < mapping->count; i++) {
        if (text_equal(mapping->keys[i]->text, key)) {
            *line = mapping->keys[i]->line;
            *column = mapping->keys[i]->column;
            return mapping->items[i];
        }
    }
    return NULL;
}

void places_find(const Places *places, int node, const char *key, const char *inner, int *line, int *column)
{
    const DocumentNode *mapping = node < 0 ? places->root : places->mappings[node];
    *line = mapping->line;
    *column = mapping->column;
    const DocumentNode *value = enter(mapping, key, line, column);
    if (value && inner) {
        enter(value, inner, line, column);
    }
}
