/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow_run.h"
#include <stdlib.h>

void flow_run_release(FlowRun *flow_run)
{
    free(flow_run->id);
    free(flow_run->name);
    free(flow_run->deployment_id);
    free(flow_run->key);
    free(flow_run->state_name);
    free(flow_run->state_message);
    json_free(flow_run->parameters);
    json_free(flow_run->tags);
    *flow_run = (FlowRun){0};
}

bool prefect_type_is_end(PrefectType type)
{
    return type >= PREFECT_COMPLETED && type < PREFECT_TYPES;
}
