/* SPDX-License-Identifier: Apache-2.0 */
/* A flow run that Prefect itself paused: an operator lets it go on. Which pause was meant is durable, so that it is
 * ended though an answer gets lost, and a later pause of the same flow run is not. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"

bool stage_can_resume(const Run *run, int node)
{
    const StageRecord *stage = &run->stages[node].record;
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    return stage->phase == PHASE_WATCHING && run->definition->nodes[node].kind == NODE_RUN && stage->cut == CUT_NONE &&
           attempt->prefect_type == PREFECT_PAUSED && attempt->prefect_timestamp;
}

static void resume_set(Turn *turn, Run *run, int node, int64_t resume_of)
{
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    attempt->resume_of = resume_of;
    attempt->dirty = true;
    stage_touch(turn, run, node);
}

void stage_resume(Turn *turn, Run *run, int node)
{
    resume_set(turn, run, node, stage_attempt(&run->stages[node])->prefect_timestamp);
}

void resuming_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    if (!attempt->resume_of) {
        return;
    }
    if (!stage_can_resume(run, node) || attempt->prefect_timestamp != attempt->resume_of) {
        resume_set(turn, run, node, 0);
    } else if (!stage->in_flight && stage->last_seen >= stage->resume_after) {
        stage->in_flight = true;
        turn_request(turn, REQUEST_RESUME, run, node)->flow_run_id = attempt->flow_run_id;
    }
}

/* Without an answer it may have gone on: whether it is still the same pause, only a later poll can say. */
void resume_answered(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_WATCHING || !stage->in_flight) {
        return;
    }
    stage->in_flight = false;
    stage->resume_after = turn->now.boot_ms + 1;
    turn->engine->eager = true;
    if (answer->outcome == OUTCOME_UNKNOWN) {
        return;
    }
    resume_set(turn, run, node, 0);
    if (answer->outcome != OUTCOME_OK) {
        free(stage->record.message);
        stage->record.message =
            text_format("Prefect did not resume it: %s", answer->message ? answer->message : "no reason given");
    }
}
