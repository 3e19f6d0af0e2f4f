/* SPDX-License-Identifier: Apache-2.0 */
/* What Prefect says of a flow run, and what the engine asks of Prefect. Times are wall ms, 0 = null. */
#ifndef SENDPOST_ENGINE_FLOW_RUN_H
#define SENDPOST_ENGINE_FLOW_RUN_H

#include "base/json.h"
#include "engine/state.h"

typedef struct FlowRun {
    char *id; /* never NULL; a UUID in lower case */
    char *name, *deployment_id, *key;
    PrefectType type;
    char *state_name, *state_message;
    int64_t state_timestamp;
    int64_t created_at, started_at, ended_at, expected_start_at;
    Json *parameters, *tags; /* only in answers to a look; NULL else */
} FlowRun;

void flow_run_release(FlowRun *flow_run);
bool prefect_type_is_end(PrefectType type); /* COMPLETED, FAILED, CRASHED, CANCELLED */

typedef enum RequestKind {
    REQUEST_RESOLVE, /* GET deployments/name/... or deployments/{id} */
    REQUEST_CREATE,  /* POST deployments/{id}/create_flow_run */
    REQUEST_SEARCH,  /* POST flow_runs/filter by idempotency key */
    REQUEST_LOOK,    /* POST flow_runs/filter by deployment */
    REQUEST_CANCEL,  /* POST flow_runs/{id}/set_state CANCELLING, or CANCELLED when `force` */
    REQUEST_RESUME,  /* POST flow_runs/{id}/resume */
    REQUEST_ASK,     /* POST flow_runs/filter by one id */
    REQUEST_REPORT,  /* POST task_runs/filter and logs/filter */
    REQUEST_POLL,    /* POST flow_runs/filter by ids */
    REQUEST_KINDS
} RequestKind;

/* Texts are borrowed: valid until the next engine_step (the Prefect client copies what it keeps). */
typedef struct Request {
    RequestKind kind;
    const char *run_id; /* whose answer it will be: run, node, attempt. Not for RESOLVE and POLL */
    int node, attempt;
    const char *reference;     /* RESOLVE: as the definition names it */
    bool background;           /* RESOLVE: nobody waits for it yet */
    const char *deployment_id; /* CREATE, LOOK */
    const char *key;           /* CREATE, SEARCH */
    const char *body;          /* CREATE: JSON */
    const char *flow_run_id;   /* CANCEL, RESUME, ASK, REPORT */
    int64_t since_ms;          /* LOOK: starts before this do not count */
    bool force;                /* CANCEL */
    const char *const *ids;    /* POLL: at most POLL_BATCH_MAX of them each */
    size_t id_count;
} Request;

#endif
