/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/deployments.h"
#include "base/memory.h"
#include <string.h>

static void deployment_free(Deployment *deployment)
{
    free(deployment->reference);
    free(deployment->id);
    free(deployment->name);
    free(deployment->shown_id);
    free(deployment->waiters);
    free(deployment);
}

void deployments_init(Deployments *deployments, uint64_t seed)
{
    deployments->by_reference = map_new(seed);
}

void deployments_release(Deployments *deployments)
{
    const char *key;
    void *deployment;
    for (size_t at = 0; deployments->by_reference && map_each(deployments->by_reference, &at, &key, &deployment);) {
        deployment_free(deployment);
    }
    map_free(deployments->by_reference);
    deployments->by_reference = NULL;
}

Deployment *deployments_of(Deployments *deployments, const char *reference)
{
    Deployment *deployment = map_find(deployments->by_reference, reference);
    if (!deployment) {
        deployment = memory_new(sizeof *deployment);
        deployment->reference = text_copy(reference);
        map_put(deployments->by_reference, reference, deployment);
    }
    return deployment;
}

void deployment_forget(Deployment *deployment)
{
    text_replace(&deployment->id, NULL);
    text_replace(&deployment->name, NULL);
}

void deployment_wait(Deployment *deployment, const char *run_id)
{
    size_t count = deployment->waiter_count;
    if (count && strcmp(deployment->waiters[count - 1].run_id, run_id) == 0) {
        return; /* all stages of a run wait at one time */
    }
    DeploymentWaiter waiter;
    memcpy(waiter.run_id, run_id, sizeof waiter.run_id);
    array_push(deployment->waiters, deployment->waiter_count, deployment->waiter_capacity) = waiter;
}
