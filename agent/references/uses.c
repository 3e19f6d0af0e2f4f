/* SPDX-License-Identifier: Apache-2.0 */
#include "references/uses.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

void reference_uses_add(ReferenceUses *uses, const Definition *definition, size_t owner)
{
    for (size_t i = 0; i < definition->node_count; i++) {
        const Node *node = &definition->nodes[i];
        if (node_is_leaf(node)) {
            ReferenceUse use = {node->deployment, definition, (int)i, owner, map_hash(0, node->deployment)};
            array_push(uses->items, uses->count, uses->capacity) = use;
        }
    }
}

/* By hash first: tens of thousands of names that begin alike are sorted within a turn of the loop. */
static int by_reference(const void *a, const void *b)
{
    const ReferenceUse *left = a, *right = b;
    if (left->hash != right->hash) {
        return left->hash < right->hash ? -1 : 1;
    }
    return strcmp(left->reference, right->reference);
}

void reference_uses_sort(ReferenceUses *uses)
{
    if (uses->count) {
        qsort(uses->items, uses->count, sizeof *uses->items, by_reference);
    }
}

static bool begins_another(const ReferenceUses *uses, size_t at)
{
    return at == 0 || !text_equal(uses->items[at].reference, uses->items[at - 1].reference);
}

size_t reference_uses_batch(const ReferenceUses *uses, size_t begin, size_t maximum)
{
    size_t deployments = 0, end = begin;
    for (; end < uses->count; end++) {
        deployments += end == begin || begins_another(uses, end);
        if (deployments > maximum) {
            break;
        }
    }
    return end;
}

size_t reference_uses_deployments(const ReferenceUses *uses)
{
    size_t count = 0;
    for (size_t i = 0; i < uses->count; i++) {
        count += begins_another(uses, i);
    }
    return count;
}

void reference_uses_release(ReferenceUses *uses)
{
    free(uses->items);
    *uses = (ReferenceUses){0};
}
