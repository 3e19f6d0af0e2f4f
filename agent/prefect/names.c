/* SPDX-License-Identifier: Apache-2.0 */
/* What the metrics call things. */
#include "prefect/task.h"

const char *const endpoint_names[ENDPOINTS] = {
    [ENDPOINT_DEPLOYMENT_BY_NAME] = "/deployments/name/{flow}/{deployment}",
    [ENDPOINT_DEPLOYMENT] = "/deployments/{id}",
    [ENDPOINT_DEPLOYMENTS] = "/deployments/filter",
    [ENDPOINT_CREATE] = "/deployments/{id}/create_flow_run",
    [ENDPOINT_FLOW_RUNS] = "/flow_runs/filter",
    [ENDPOINT_SET_STATE] = "/flow_runs/{id}/set_state",
    [ENDPOINT_RESUME] = "/flow_runs/{id}/resume",
    [ENDPOINT_STATES] = "/flow_run_states/",
    [ENDPOINT_TASK_RUNS] = "/task_runs/filter",
    [ENDPOINT_LOGS] = "/logs/filter",
    [ENDPOINT_FLOWS] = "/flows/filter",
    [ENDPOINT_WORK_POOLS] = "/work_pools/filter",
    [ENDPOINT_WORK_QUEUES] = "/work_queues/filter",
    [ENDPOINT_WORKERS] = "/work_pools/{name}/workers/filter",
    [ENDPOINT_COUNT] = "/{flow_runs,deployments}/count",
    [ENDPOINT_CSRF] = "/csrf-token",
    [ENDPOINT_VERSION] = "/admin/version",
};
const char *const failure_cause_names[CAUSES] = {"connect",    "timeout",    "tls",        "redirect", "auth",
                                                 "status_4xx", "status_429", "status_5xx", "body"};
const double request_duration_bounds[REQUEST_DURATION_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
