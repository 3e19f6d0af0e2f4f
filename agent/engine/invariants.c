/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after every step, in release builds too. The numbers are those of the invariants in
 * docs/architecture.md. */
#include "base/assert.h"
#include "base/text.h"
#include "engine/internal.h"

/* 2: one attempt, one flow run: numbered without gaps, only the last one open, its intent complete before it is sent.
 */
static void check_attempts(const Node *node, const StageRecord *stage)
{
    bool own = node->kind == NODE_RUN && !stage->taken_over;
    for (size_t i = 0; i < stage->attempt_count; i++) {
        const AttemptRecord *attempt = &stage->attempts[i];
        invariant(attempt->number == (int)i + 1);
        invariant(i + 1 == stage->attempt_count || state_is_end(attempt->state));
        invariant(!own || (attempt->key && attempt->body && attempt->deployment_id));
        invariant(!own || i == 0 || !text_equal(attempt->key, stage->attempts[i - 1].key));
    }
    invariant(!own || (int)stage->attempt_count <= node->retries + 1);
}

/* What is taken over never runs here: it has nothing that could be sent. */
static void check_taken_over(const StageRecord *stage)
{
    invariant(stage->phase == PHASE_ENDED);
    invariant(stage->state == STATE_COMPLETED || (stage->state == STATE_SKIPPED && stage->attempt_count == 0));
    for (size_t i = 0; i < stage->attempt_count; i++) {
        invariant(!stage->attempts[i].key && !stage->attempts[i].body);
    }
}

static void check_phase(const Engine *engine, const Run *run, int node)
{
    const Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    switch (stage->record.phase) {
    case PHASE_ASKING:
        invariant(!attempt && stage->record.former_flow_run);
        break;
    case PHASE_CREATING:
    case PHASE_SEARCHING:
        invariant(attempt && !attempt->flow_run_id && !state_is_end(attempt->state));
        break;
    case PHASE_WATCHING:
        invariant(attempt && attempt->flow_run_id);
        invariant(watches_find(&engine->watches, attempt->flow_run_id));
        break;
    case PHASE_REPORTING:
        invariant(attempt && state_is_end(attempt->state) && stage->failure);
        break;
    default:
        break;
    }
    /* Something will move it on: an answer, a poll, a time, an operator, or what it comes after. */
    bool waits = stage->record.phase <= PHASE_BLOCKED || stage->record.phase == PHASE_WATCHING ||
                 stage->record.phase == PHASE_ENDED;
    invariant(waits || stage->in_flight || stage->due != TIME_NEVER || run->ended);
}

void engine_check_run(const Engine *engine, const Run *run)
{
    bool ended = state_is_end(run->record.state);
    invariant(ended == (run->record.ended_at != 0));
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        const Node *node = &run->definition->nodes[i];
        const StageRecord *stage = &run->stages[i].record;
        if (!node_is_leaf(node)) {
            continue;
        }
        invariant(state_is_end(stage->state) == (stage->phase == PHASE_ENDED));
        /* 3: nothing ends while an intent is unresolved. */
        invariant(!ended || stage->phase == PHASE_ENDED);
        check_attempts(node, stage);
        if (stage->taken_over) {
            check_taken_over(stage);
        }
        check_phase(engine, run, i);
    }
    invariant(run->record.admitted || ended || run->record.state == STATE_SCHEDULED);
}
