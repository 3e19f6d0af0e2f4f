/* SPDX-License-Identifier: Apache-2.0 */
/* Which stages name which deployments, so that each is asked for once however many use it, and which of them are to be
 * looked at next. Whatever is done to it costs as much as one definition or one batch has, never as all have. */
#ifndef SENDPOST_REFERENCES_USES_H
#define SENDPOST_REFERENCES_USES_H

#include "definitions/definition.h"
#include <sys/queue.h>

typedef struct UsedDeployment UsedDeployment;

/* One stage. */
typedef struct ReferenceUse {
    void *owner; /* the caller's, for all stages of the definition; may be NULL */
    const Definition *definition;
    int node;
    bool fresh; /* no look has come to an end since it was added */
    UsedDeployment *deployment;
    TAILQ_ENTRY(ReferenceUse) others;
} ReferenceUse;
typedef TAILQ_HEAD(UseList, ReferenceUse) UseList;

typedef enum UsedState { USED_IDLE, USED_FRESH, USED_IN_BATCH } UsedState;

struct UsedDeployment {
    char *reference;        /* flow/deployment or a UUID */
    UseList uses;           /* never empty; those that are fresh come first */
    ReferenceUse *unjudged; /* of a batch: the first that it has not come to; NULL: it has come to all */
    UsedState state;
    TAILQ_ENTRY(UsedDeployment) turns, queued;
};
typedef TAILQ_HEAD(UsedList, UsedDeployment) UsedList;

typedef struct ReferenceUses ReferenceUses;

ReferenceUses *reference_uses_new(void);
void reference_uses_free(ReferenceUses *uses); /* all of them were removed */
size_t reference_uses_deployments(const ReferenceUses *uses);
bool reference_uses_any_fresh(const ReferenceUses *uses);

/* The leaves of a definition, which the caller keeps alive; to be removed with the pointer that this returns. */
ReferenceUse *reference_uses_add(ReferenceUses *uses, const Definition *definition, void *owner);
void reference_uses_remove(ReferenceUses *uses, ReferenceUse *added);

/* A batch is looked at by one survey; the last one is over. Of deployments with fresh uses, for these alone: false when
 * there are none. Or of those that were looked at longest ago, for all uses: how many of them had their turn, which is
 * more than the batch holds when some are fresh. */
bool reference_uses_begin_fresh(ReferenceUses *uses, size_t maximum);
size_t reference_uses_begin_oldest(ReferenceUses *uses, size_t maximum);
const UsedList *reference_uses_batch(const ReferenceUses *uses); /* by `queued` */
/* The next use of the batch that is to be judged; NULL: none is left, the batch is over. */
const ReferenceUse *reference_uses_next(ReferenceUses *uses);
/* Instead: nothing was learnt, its deployments are to be looked at again, before others. */
void reference_uses_put_back(ReferenceUses *uses);

#endif
