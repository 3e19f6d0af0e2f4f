/* SPDX-License-Identifier: Apache-2.0 */
/* What the last check of each stage's deployment came to: read by every scrape, written by the checks. A stage is fine
 * until its first check; a new definition keeps what is known of its stages, by path and deployment. */
#ifndef SENDPOST_REFERENCES_STANDING_H
#define SENDPOST_REFERENCES_STANDING_H

#include "references/judge.h"
#include "references/uses.h"

typedef struct Standing Standing;

/* What is known of one sendpost's stages. */
typedef struct SendpostStanding {
    Definition *definition;     /* held */
    ReferenceProblem *problems; /* by node */
    ReferenceUse *uses;
    uint64_t version; /* standing_version when anything here changed last */
} SendpostStanding;

Standing *standing_new(void);
void standing_free(Standing *standing);

/* The definition is the sendpost's newest; it is held. */
void standing_load(Standing *standing, Definition *definition);
void standing_forget(Standing *standing, const char *sendpost); /* it may be unknown */
/* Of all these definitions. */
ReferenceUses *standing_uses(const Standing *standing);
/* Grows with every change of what is known. */
uint64_t standing_version(const Standing *standing);
/* NULL when it is not known. */
const SendpostStanding *standing_find(const Standing *standing, const char *sendpost);
/* Returns what it was before. A definition that is no longer the newest changes nothing. */
ReferenceProblem standing_set(Standing *standing, const Definition *definition, int node, ReferenceProblem problem);

#endif
