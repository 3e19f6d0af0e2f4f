/* SPDX-License-Identifier: Apache-2.0 */
/* The state machines as tables: which state, and which phase of a stage, may follow which. Only the functions here
 * write them, so that no edge is taken that the tables do not have. */
#include "base/assert.h"
#include "engine/internal.h"

#define TO(state)    (1u << STATE_##state)
#define STAGE_ACTIVE (TO(SCHEDULED) | TO(PENDING) | TO(RUNNING) | TO(PAUSED) | TO(CANCELLING))
#define STAGE_ENDS   (TO(COMPLETED) | TO(FAILED) | TO(CRASHED) | TO(CANCELLED))

/* A flow run may go from any active state to any other: Prefect retries, reschedules and pauses them. */
static const unsigned stage_edges[STATES] = {
    [STATE_WAITING] = TO(BLOCKED) | TO(SCHEDULED) | TO(SKIPPED) | TO(COMPLETED),
    [STATE_BLOCKED] = TO(WAITING) | TO(SCHEDULED) | TO(SKIPPED),
    [STATE_SCHEDULED] = STAGE_ACTIVE | STAGE_ENDS,
    [STATE_PENDING] = STAGE_ACTIVE | STAGE_ENDS,
    [STATE_RUNNING] = STAGE_ACTIVE | STAGE_ENDS,
    [STATE_PAUSED] = STAGE_ACTIVE | STAGE_ENDS,
    [STATE_CANCELLING] = STAGE_ACTIVE | STAGE_ENDS,
};

#define RUN_ENDS (TO(COMPLETED) | TO(FAILED) | TO(CRASHED) | TO(CANCELLED))
static const unsigned run_edges[STATES] = {
    [STATE_SCHEDULED] = TO(RUNNING) | TO(PAUSED) | TO(CANCELLING) | TO(CANCELLED) | TO(SKIPPED),
    [STATE_RUNNING] = TO(PAUSED) | TO(CANCELLING) | RUN_ENDS,
    [STATE_PAUSED] = TO(RUNNING) | TO(CANCELLING) | RUN_ENDS,
    [STATE_CANCELLING] = RUN_ENDS,
};

#define PHASE(phase) (1u << PHASE_##phase)
static const unsigned phase_edges[PHASES] = {
    [PHASE_WAITING] = PHASE(BLOCKED) | PHASE(ASKING) | PHASE(RESOLVING) | PHASE(ENDED),
    [PHASE_BLOCKED] = PHASE(WAITING) | PHASE(ENDED),
    [PHASE_ASKING] = PHASE(RESOLVING) | PHASE(ENDED),
    [PHASE_RESOLVING] = PHASE(CREATING) | PHASE(LOOKING) | PHASE(ENDED),
    [PHASE_CREATING] = PHASE(SEARCHING) | PHASE(WATCHING) | PHASE(ENDED),
    [PHASE_SEARCHING] = PHASE(CREATING) | PHASE(WATCHING) | PHASE(RESOLVING) | PHASE(ENDED),
    [PHASE_LOOKING] = PHASE(RESOLVING) | PHASE(WATCHING) | PHASE(ENDED),
    [PHASE_WATCHING] = PHASE(LOOKING) | PHASE(REPORTING) | PHASE(DELAYING) | PHASE(ENDED),
    [PHASE_REPORTING] = PHASE(ENDED),
    [PHASE_DELAYING] = PHASE(CREATING) | PHASE(ENDED),
};

void run_set_state(Turn *turn, Run *run, State to, Reason reason)
{
    State from = run->record.state;
    if (from == to) {
        return;
    }
    invariant(run_edges[from] & (1u << to));
    invariant(!run->ended);
    run->record.state = to;
    run->record.reason = reason;
    turn_touch_run(turn, run);
    turn_event(turn, EVENT_RUN_STATE, run, NULL, from, to, reason);
}

void stage_touch(Turn *turn, Run *run, int node)
{
    run->stages[node].record.dirty = true;
    turn_touch_run(turn, run);
}

void stage_set_state(Turn *turn, Run *run, int node, State to, Reason reason)
{
    StageRecord *stage = &run->stages[node].record;
    State from = stage->state;
    if (from == to) {
        return;
    }
    invariant(stage_edges[from] & (1u << to));
    invariant(!run->ended);
    stage->state = to;
    stage->reason = reason;
    stage_touch(turn, run, node);
    sendpost_stage_show(run, node);
    turn_event(turn, EVENT_STAGE_STATE, run, run->definition->nodes[node].path, from, to, reason);
}

void stage_set_phase(Turn *turn, Run *run, int node, Phase to)
{
    Stage *stage = &run->stages[node];
    invariant(phase_edges[stage->record.phase] & (1u << to));
    stage->record.phase = to;
    stage->in_flight = false;
    stage->failures = stage->absences = 0;
    stage->due = TIME_NEVER;
    stage->deadline = TIME_NEVER;
    stage_touch(turn, run, node);
}
