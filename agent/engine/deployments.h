/* SPDX-License-Identifier: Apache-2.0 */
/* What Prefect calls the deployments that definitions name: asked once for all stages that wait for it, forgotten when
 * Prefect says that the id no longer exists. */
#ifndef SENDPOST_ENGINE_DEPLOYMENTS_H
#define SENDPOST_ENGINE_DEPLOYMENTS_H

#include "base/map.h"
#include "base/uuid.h"

typedef struct DeploymentWaiter {
    char run_id[UUID_SIZE];
} DeploymentWaiter;

typedef struct Deployment {
    char *reference;
    char *id, *name;                /* NULL: not known */
    char *shown_id;                 /* the last one that was known */
    struct SendpostStage *named_by; /* linked by next_naming */
    bool asking;                    /* a request is out */
    bool background;                /* and nobody waited when it was sent */
    int failures;                   /* of asking, in a row */
    DeploymentWaiter *waiters;
    size_t waiter_count, waiter_capacity;
} Deployment;

typedef struct Deployments {
    Map *by_reference;
} Deployments;

void deployments_init(Deployments *deployments, uint64_t seed);
void deployments_release(Deployments *deployments);
Deployment *deployments_of(Deployments *deployments, const char *reference); /* finds or makes */
void deployment_forget(Deployment *deployment);                              /* its id */
void deployment_wait(Deployment *deployment, const char *run_id);            /* until it is answered */

#endif
