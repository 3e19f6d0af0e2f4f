/* SPDX-License-Identifier: Apache-2.0 */
/* Nesting and `needs` compiled to leaves that need leaves. What a leaf comes after is what it names, else the sibling
 * before it; the first of a group comes after what its group comes after; a group that comes before stands for all of
 * its leaves. */
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/reading.h"
#include <string.h>

static bool is_within(const Definition *definition, int node, int group)
{
    return node >= group && node < definition->nodes[group].end;
}

int stage_find(const StageReader *stages, const char *path)
{
    const Node *found = map_find(stages->paths, path);
    return found ? (int)(found - stages->reader.definition->nodes) : -1;
}

static int sibling_find(const StageReader *stages, int parent, const char *name)
{
    const Node *nodes = stages->reader.definition->nodes;
    auto_free char *path = parent < 0 ? text_copy(name) : text_format("%s/%s", nodes[parent].path, name);
    int found = stage_find(stages, path);
    return found >= 0 && nodes[found].parent == parent ? found : -1; /* a name is no way further down */
}

static void after_add(Node *node, int index)
{
    node->after = memory_resize(node->after, node->after_count + 1, sizeof *node->after);
    node->after[node->after_count++] = index;
}

void unknown_stage(Reader *reader, const DocumentNode *at, const char *path)
{
    const Definition *definition = reader->definition;
    auto_free const char **paths = memory_new(definition->node_count * sizeof *paths);
    const char *elsewhere = NULL; /* a stage with this name, deeper */
    for (size_t i = 0; i < definition->node_count; i++) {
        paths[i] = definition->nodes[i].path;
        elsewhere = elsewhere || !text_equal(definition->nodes[i].name, path) ? elsewhere : paths[i];
    }
    const char *nearest = elsewhere ? elsewhere : reader_nearest(reader, at, path, paths, definition->node_count);
    reader_error(reader, at, "unknown stage '%.100s'%s%s%s", path, nearest ? ", did you mean '" : "",
                 nearest ? nearest : "", nearest ? "'?" : "");
}

static bool is_after(const Node *node, int index)
{
    for (size_t i = 0; i < node->after_count; i++) {
        if (node->after[i] == index) {
            return true;
        }
    }
    return false;
}

static void after_named(StageReader *stages, int index, const DocumentNode *list)
{
    Definition *definition = stages->reader.definition;
    for (size_t i = 0; i < list->count; i++) {
        const DocumentNode *item = list->items[i];
        const char *text = reader_text(&stages->reader, item, "needs");
        if (!text) {
            continue;
        }
        int found = sibling_find(stages, definition->nodes[index].parent, text);
        found = found >= 0 ? found : stage_find(stages, text);
        if (found < 0) {
            unknown_stage(&stages->reader, item, text);
        } else if (is_within(definition, found, index) || is_within(definition, index, found)) {
            reader_error(&stages->reader, item, "a stage cannot need itself, its group or its members");
        } else if (is_after(&definition->nodes[index], found)) {
            reader_error(&stages->reader, item, "'%.100s' is named twice", text);
        } else {
            after_add(&definition->nodes[index], found);
        }
    }
}

/* The sibling before, in a list of stages; branches of a parallel have none. */
static int previous_of(const Definition *definition, int index)
{
    int parent = definition->nodes[index].parent;
    if (parent >= 0 && definition->nodes[parent].kind == NODE_PARALLEL) {
        return -1;
    }
    int previous = -1;
    for (int i = parent + 1; i < index; i = definition->nodes[i].end) {
        previous = i;
    }
    return previous;
}

static void fill_after(StageReader *stages)
{
    Definition *definition = stages->reader.definition;
    for (int i = 0; i < (int)definition->node_count; i++) {
        if (stages->sources[i].needs) {
            after_named(stages, i, stages->sources[i].needs);
            continue;
        }
        int previous = previous_of(definition, i);
        if (previous >= 0) {
            after_add(&definition->nodes[i], previous);
        }
    }
}

/* Marks the leaves that come directly before `index`: its own, and those of the groups that it is first in. */
static void mark_before(const StageReader *stages, int index, bool *marks)
{
    const Definition *definition = stages->reader.definition;
    for (; index >= 0; index = definition->nodes[index].parent) {
        const Node *node = &definition->nodes[index];
        for (size_t i = 0; i < node->after_count; i++) {
            for (int j = node->after[i]; j < definition->nodes[node->after[i]].end; j++) {
                marks[j] = marks[j] || node_is_leaf(&definition->nodes[j]);
            }
        }
        /* Coming after a sibling, it comes after the group's start all the same. */
        bool inside = node->after_count > 0 && node->parent >= 0;
        for (size_t i = 0; i < node->after_count; i++) {
            inside = inside && is_within(definition, node->after[i], node->parent);
        }
        if (inside) {
            return;
        }
    }
}

static void fill_needs(StageReader *stages)
{
    Definition *definition = stages->reader.definition;
    size_t count = definition->node_count;
    auto_free bool *marks = memory_new(count * sizeof *marks);
    for (size_t i = 0; i < count; i++) {
        Node *node = &definition->nodes[i];
        if (!node_is_leaf(node)) {
            continue;
        }
        memset(marks, 0, count * sizeof *marks);
        mark_before(stages, (int)i, marks);
        for (size_t j = 0; j < count; j++) {
            node->needs_count += marks[j];
        }
        node->needs = memory_new(node->needs_count * sizeof *node->needs);
        for (size_t j = 0, filled = 0; j < count; j++) {
            if (marks[j]) {
                node->needs[filled++] = (int)j;
            }
        }
    }
}

typedef struct Search {
    const Definition *definition;
    signed char *colours; /* 0: not seen; 1: on the way; 2: done */
    int *way;
    size_t length;
} Search;

/* Whether a way of needs leads back; search->way ends with it then. Depth is at most STAGES_MAX. */
static bool leads_back(Search *search, int node)
{
    search->colours[node] = 1;
    search->way[search->length++] = node;
    const Node *leaf = &search->definition->nodes[node];
    for (size_t i = 0; i < leaf->needs_count; i++) {
        int need = leaf->needs[i];
        if (search->colours[need] == 1) {
            search->way[search->length++] = need;
            return true;
        }
        if (search->colours[need] == 0 && leads_back(search, need)) {
            return true;
        }
    }
    search->colours[node] = 2;
    search->length--;
    return false;
}

static void report_cycle(StageReader *stages, const Search *search)
{
    const Definition *definition = stages->reader.definition;
    int last = search->way[search->length - 1];
    auto_buffer text;
    buffer_init(&text, 1024);
    size_t at = 0;
    while (search->way[at] != last) {
        at++;
    }
    int named = last;
    for (; at < search->length; at++) {
        buffer_format(&text, "%s%s", text.length ? " needs " : "", definition->nodes[search->way[at]].path);
        named = stages->sources[search->way[at]].needs ? search->way[at] : named;
    }
    const DocumentNode *place =
        stages->sources[named].needs ? stages->sources[named].needs : stages->sources[named].mapping;
    reader_error(&stages->reader, place, "the stages wait for each other: %s", text.bytes);
}

static void check_cycles(StageReader *stages)
{
    const Definition *definition = stages->reader.definition;
    size_t count = definition->node_count;
    auto_free signed char *colours = memory_new(count);
    auto_free int *way = memory_new((count + 1) * sizeof *way);
    Search search = {definition, colours, way, 0};
    for (size_t i = 0; i < count; i++) {
        if (node_is_leaf(&definition->nodes[i]) && colours[i] == 0 && leads_back(&search, (int)i)) {
            report_cycle(stages, &search);
            return;
        }
    }
}

static void fill_when(StageReader *stages)
{
    Definition *definition = stages->reader.definition;
    for (int i = 0; i < (int)definition->node_count; i++) {
        Node *node = &definition->nodes[i];
        if (!stages->sources[i].when && node->parent >= 0) {
            node->when = definition->nodes[node->parent].when; /* groups stand before their members */
        }
        if (node_is_leaf(node) && node->when == WHEN_FAILURE && node->needs_count == 0) {
            int said = i; /* where the word that counts stands: here, or at a group */
            while (!stages->sources[said].when) {
                said = definition->nodes[said].parent;
            }
            reader_error(&stages->reader, stages->sources[said].when,
                         "'%s' can never run: nothing comes before it that could fail", node->path);
        }
    }
}

void graph_compile(StageReader *stages)
{
    Definition *definition = stages->reader.definition;
    stages->paths = map_new(1);
    for (size_t i = 0; i < definition->node_count; i++) {
        map_put(stages->paths, definition->nodes[i].path, &definition->nodes[i]);
    }
    fill_after(stages);
    fill_needs(stages);
    check_cycles(stages);
    fill_when(stages);
}
