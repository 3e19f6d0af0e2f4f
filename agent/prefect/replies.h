/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect's answers, read strictly: what is missing or of a wrong type makes the whole answer worthless, as no state
 * may be decided from half of it. Unknown members are ignored: answers gain some with every version. */
#ifndef SENDPOST_PREFECT_REPLIES_H
#define SENDPOST_PREFECT_REPLIES_H

#include "base/error.h"
#include "engine/flow_run.h"

/* One flow run; keep: also its parameters and tags. */
bool reply_flow_run(const Json *json, bool keep, FlowRun *flow_run, Error *error);

/* Why a request was refused, of any of the three shapes that Prefect has; new text, at most MESSAGE_MAX bytes. */
char *reply_reason(const Json *json);

#endif
