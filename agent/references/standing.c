/* SPDX-License-Identifier: Apache-2.0 */
#include "references/standing.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

struct Standing {
    Map *by_name; /* SendpostStanding */
    ReferenceUses *uses;
    uint64_t version;
};

Standing *standing_new(void)
{
    Standing *standing = memory_new(sizeof *standing);
    standing->by_name = map_new(1);
    standing->uses = reference_uses_new();
    return standing;
}

static void entry_free(Standing *standing, SendpostStanding *entry)
{
    reference_uses_remove(standing->uses, entry->uses);
    definition_release(entry->definition);
    free(entry->problems);
    free(entry);
}

void standing_free(Standing *standing)
{
    if (!standing) {
        return;
    }
    void *entry;
    for (size_t at = 0; map_each(standing->by_name, &at, NULL, &entry);) {
        entry_free(standing, entry);
    }
    map_free(standing->by_name);
    reference_uses_free(standing->uses);
    free(standing);
}

ReferenceUses *standing_uses(const Standing *standing)
{
    return standing->uses;
}

uint64_t standing_version(const Standing *standing)
{
    return standing->version;
}

const SendpostStanding *standing_find(const Standing *standing, const char *sendpost)
{
    return map_find(standing->by_name, sendpost);
}

/* What was known of the stage that had this path, if it still names the same deployment. */
static ReferenceProblem recall(const SendpostStanding *before, const Node *node)
{
    int at = before ? definition_node_find(before->definition, node->path) : -1;
    bool same = at >= 0 && text_equal(before->definition->nodes[at].deployment, node->deployment);
    return same ? before->problems[at] : REFERENCE_FINE;
}

void standing_load(Standing *standing, Definition *definition)
{
    SendpostStanding *before = map_find(standing->by_name, definition->name);
    if (before && before->definition == definition) {
        return;
    }
    SendpostStanding *entry = memory_new(sizeof *entry);
    entry->definition = definition_hold(definition);
    entry->problems = memory_new(definition->node_count * sizeof *entry->problems);
    entry->uses = reference_uses_add(standing->uses, definition, NULL);
    entry->version = ++standing->version;
    for (size_t i = 0; i < definition->node_count; i++) {
        entry->problems[i] = recall(before, &definition->nodes[i]);
    }
    map_put(standing->by_name, definition->name, entry);
    if (before) {
        entry_free(standing, before);
    }
}

void standing_forget(Standing *standing, const char *sendpost)
{
    SendpostStanding *entry = map_remove(standing->by_name, sendpost);
    if (entry) {
        entry_free(standing, entry);
        standing->version++;
    }
}

ReferenceProblem standing_set(Standing *standing, const Definition *definition, int node, ReferenceProblem problem)
{
    SendpostStanding *entry = map_find(standing->by_name, definition->name);
    if (!entry || entry->definition != definition) {
        return problem;
    }
    ReferenceProblem before = entry->problems[node];
    entry->problems[node] = problem;
    if (problem != before) {
        entry->version = ++standing->version;
    }
    return before;
}
