/* SPDX-License-Identifier: Apache-2.0 */
#include "references/uses.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/memory.h"

struct ReferenceUses {
    Map *by_reference; /* UsedDeployment */
    UsedList turns;    /* all; those looked at longest ago come first */
    UsedList fresh, batch;
    bool batch_is_fresh;
};

ReferenceUses *reference_uses_new(void)
{
    ReferenceUses *uses = memory_new(sizeof *uses);
    uses->by_reference = map_new(1);
    TAILQ_INIT(&uses->turns);
    TAILQ_INIT(&uses->fresh);
    TAILQ_INIT(&uses->batch);
    return uses;
}

void reference_uses_free(ReferenceUses *uses)
{
    if (uses) {
        invariant(TAILQ_EMPTY(&uses->turns));
        map_free(uses->by_reference);
        free(uses);
    }
}

size_t reference_uses_deployments(const ReferenceUses *uses)
{
    return map_count(uses->by_reference);
}

bool reference_uses_any_fresh(const ReferenceUses *uses)
{
    return !TAILQ_EMPTY(&uses->fresh);
}

/* --- which use which --- */

static void queue(ReferenceUses *uses, UsedDeployment *deployment, UsedState state)
{
    if (deployment->state != USED_IDLE) {
        TAILQ_REMOVE(deployment->state == USED_FRESH ? &uses->fresh : &uses->batch, deployment, queued);
    }
    deployment->state = state;
    if (state != USED_IDLE) {
        TAILQ_INSERT_TAIL(state == USED_FRESH ? &uses->fresh : &uses->batch, deployment, queued);
    }
}

static UsedDeployment *deployment_of(ReferenceUses *uses, const char *reference)
{
    UsedDeployment *deployment = map_find(uses->by_reference, reference);
    if (!deployment) {
        deployment = memory_new(sizeof *deployment);
        deployment->reference = text_copy(reference);
        TAILQ_INIT(&deployment->uses);
        map_put(uses->by_reference, reference, deployment);
        TAILQ_INSERT_TAIL(&uses->turns, deployment, turns);
    }
    return deployment;
}

static void deployment_drop(ReferenceUses *uses, UsedDeployment *deployment)
{
    queue(uses, deployment, USED_IDLE);
    TAILQ_REMOVE(&uses->turns, deployment, turns);
    map_remove(uses->by_reference, deployment->reference);
    free(deployment->reference);
    free(deployment);
}

ReferenceUse *reference_uses_add(ReferenceUses *uses, const Definition *definition, void *owner)
{
    ReferenceUse *added = memory_new((definition->node_count + 1) * sizeof *added), *use = added;
    for (size_t i = 0; i < definition->node_count; i++) {
        const Node *node = &definition->nodes[i];
        if (!node_is_leaf(node)) {
            continue;
        }
        UsedDeployment *deployment = deployment_of(uses, node->deployment);
        *use = (ReferenceUse){owner, definition, (int)i, true, deployment, {0}};
        TAILQ_INSERT_HEAD(&deployment->uses, use, others);
        if (deployment->state == USED_IDLE) {
            queue(uses, deployment, USED_FRESH);
        }
        use++;
    }
    return added; /* one without a definition stands at its end */
}

void reference_uses_remove(ReferenceUses *uses, ReferenceUse *added)
{
    for (ReferenceUse *use = added; use->definition; use++) {
        UsedDeployment *deployment = use->deployment;
        if (deployment->unjudged == use) {
            deployment->unjudged = TAILQ_NEXT(use, others);
        }
        TAILQ_REMOVE(&deployment->uses, use, others);
        if (TAILQ_EMPTY(&deployment->uses)) {
            deployment_drop(uses, deployment);
        }
    }
    free(added);
}

/* --- batches --- */

static void into_batch(ReferenceUses *uses, UsedDeployment *deployment)
{
    queue(uses, deployment, USED_IN_BATCH);
    deployment->unjudged = TAILQ_FIRST(&deployment->uses);
}

bool reference_uses_begin_fresh(ReferenceUses *uses, size_t maximum)
{
    invariant(TAILQ_EMPTY(&uses->batch));
    uses->batch_is_fresh = true;
    for (size_t i = 0; i < maximum && !TAILQ_EMPTY(&uses->fresh); i++) {
        into_batch(uses, TAILQ_FIRST(&uses->fresh));
    }
    return !TAILQ_EMPTY(&uses->batch);
}

static void to_the_end(ReferenceUses *uses, UsedDeployment *deployment)
{
    TAILQ_REMOVE(&uses->turns, deployment, turns);
    TAILQ_INSERT_TAIL(&uses->turns, deployment, turns);
}

size_t reference_uses_begin_oldest(ReferenceUses *uses, size_t maximum)
{
    invariant(TAILQ_EMPTY(&uses->batch));
    uses->batch_is_fresh = false;
    size_t most = reference_uses_deployments(uses), count = 0;
    for (; count < maximum && count < most; count++) {
        UsedDeployment *deployment = TAILQ_FIRST(&uses->turns);
        to_the_end(uses, deployment);
        if (deployment->state == USED_IDLE) { /* else it is looked at anyway */
            into_batch(uses, deployment);
        }
    }
    return count;
}

const UsedList *reference_uses_batch(const ReferenceUses *uses)
{
    return &uses->batch;
}

/* What was added meanwhile stands before those that were judged. */
static void leave_batch(ReferenceUses *uses, UsedDeployment *deployment)
{
    deployment->unjudged = NULL;
    queue(uses, deployment, TAILQ_FIRST(&deployment->uses)->fresh ? USED_FRESH : USED_IDLE);
}

const ReferenceUse *reference_uses_next(ReferenceUses *uses)
{
    for (UsedDeployment *deployment; (deployment = TAILQ_FIRST(&uses->batch)); leave_batch(uses, deployment)) {
        ReferenceUse *use = deployment->unjudged;
        if (use && (use->fresh || !uses->batch_is_fresh)) {
            deployment->unjudged = TAILQ_NEXT(use, others);
            use->fresh = false;
            return use;
        }
    }
    return NULL;
}

void reference_uses_put_back(ReferenceUses *uses)
{
    for (UsedDeployment *deployment; (deployment = TAILQ_LAST(&uses->batch, UsedList));) {
        leave_batch(uses, deployment);
        TAILQ_REMOVE(&uses->turns, deployment, turns);
        TAILQ_INSERT_HEAD(&uses->turns, deployment, turns);
    }
}
