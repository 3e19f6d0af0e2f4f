/* SPDX-License-Identifier: Apache-2.0 */
/* Which stages name which deployments: sorted so that those of one deployment stand together, and each is asked
 * for once however many use it. */
#ifndef SENDPOST_REFERENCES_USES_H
#define SENDPOST_REFERENCES_USES_H

#include "definitions/definition.h"

typedef struct ReferenceUse {
    const char *reference; /* flow/deployment or a UUID; borrowed from the definition */
    const Definition *definition;
    int node;
    size_t owner;  /* the caller's own number for the definition */
    uint64_t hash; /* of the reference */
} ReferenceUse;

typedef struct ReferenceUses {
    ReferenceUse *items;
    size_t count, capacity;
} ReferenceUses;

void reference_uses_add(ReferenceUses *uses, const Definition *definition, size_t owner);
void reference_uses_sort(ReferenceUses *uses);
/* One past the uses from `begin` on that together name at most `maximum` deployments. */
size_t reference_uses_batch(const ReferenceUses *uses, size_t begin, size_t maximum);
/* How many deployments there are. */
size_t reference_uses_deployments(const ReferenceUses *uses);
void reference_uses_release(ReferenceUses *uses);

#endif
