/* SPDX-License-Identifier: Apache-2.0 */
/* A stage as a whole: when it may start, what each of its phases does next, how it ends. */
#include "base/assert.h"
#include "base/memory.h"
#include "engine/internal.h"

AttemptRecord *stage_attempt(const Stage *stage)
{
    return stage->record.attempt_count ? &stage->record.attempts[stage->record.attempt_count - 1] : NULL;
}

bool stage_failed(const Run *run, int node)
{
    State state = run->stages[node].record.state;
    bool bad = state == STATE_FAILED || state == STATE_CRASHED || state == STATE_CANCELLED;
    return bad && !run->definition->nodes[node].allow_failure;
}

static const char *flow_run_id_of(void *user, int node)
{
    const Run *run = user;
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    return attempt ? attempt->flow_run_id : NULL;
}

TemplateContext run_context(const Run *run)
{
    return (TemplateContext){
        .definition = run->definition,
        .run_id = run->record.id,
        .trigger = trigger_names[run->record.trigger],
        .for_ms = run->record.for_at,
        .parameters = run->parameters,
        .flow_run_id = flow_run_id_of,
        .user = (void *)(uintptr_t)run,
    };
}

/* Whether anything that it comes after, however far back, failed. Its needs have all ended, so the answer is final. */
static bool stage_tainted(Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->tainted >= 0) {
        return stage->tainted;
    }
    const Node *definition = &run->definition->nodes[node];
    stage->tainted = 0;
    for (size_t i = 0; i < definition->needs_count && !stage->tainted; i++) {
        int need = definition->needs[i];
        stage->tainted = !run->stages[need].record.taken_over && (stage_failed(run, need) || stage_tainted(run, need));
    }
    return stage->tainted;
}

static bool needs_ended(const Run *run, int node)
{
    const Node *definition = &run->definition->nodes[node];
    for (size_t i = 0; i < definition->needs_count; i++) {
        if (run->stages[definition->needs[i]].record.phase != PHASE_ENDED) {
            return false;
        }
    }
    return true;
}

/* A branch holds one of its group's places from its first start to its last end. */
static bool branch_is_active(const Run *run, int branch)
{
    bool started = false, open = false;
    for (int i = branch; i < run->definition->nodes[branch].end; i++) {
        if (node_is_leaf(&run->definition->nodes[i])) {
            Phase phase = run->stages[i].record.phase;
            started = started || (phase != PHASE_WAITING && phase != PHASE_BLOCKED &&
                                  run->stages[i].record.state != STATE_SKIPPED);
            open = open || phase != PHASE_ENDED;
        }
    }
    return started && open;
}

static bool group_has_place(const Run *run, int group, int branch)
{
    const Node *nodes = run->definition->nodes;
    if (nodes[group].max_concurrent == 0 || branch_is_active(run, branch)) {
        return true;
    }
    int active = 0;
    for (int i = group + 1; i < nodes[group].end; i = nodes[i].end) {
        active += branch_is_active(run, i);
    }
    return active < nodes[group].max_concurrent;
}

static bool has_place(const Run *run, int node)
{
    const Node *nodes = run->definition->nodes;
    for (int child = node, group = nodes[node].parent; group >= 0; child = group, group = nodes[group].parent) {
        if (nodes[group].kind == NODE_PARALLEL && !group_has_place(run, group, child)) {
            return false;
        }
    }
    return true;
}

static void stage_skip(Turn *turn, Run *run, int node)
{
    stage_set_state(turn, run, node, STATE_SKIPPED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_ENDED);
}

static bool when_holds(Run *run, int node)
{
    switch (run->definition->nodes[node].when) {
    case WHEN_SUCCESS:
        return !stage_tainted(run, node);
    case WHEN_FAILURE:
        return stage_tainted(run, node);
    default:
        return true;
    }
}

static bool waiting_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_skip(turn, run, node);
        return true;
    }
    if (!needs_ended(run, node)) {
        return false;
    }
    if (!when_holds(run, node)) {
        stage_skip(turn, run, node);
        return true;
    }
    if (stage->record.blocked) {
        stage_set_state(turn, run, node, STATE_BLOCKED, REASON_NONE);
        stage_set_phase(turn, run, node, PHASE_BLOCKED);
        return true;
    }
    bool held = run->record.held && !run->stepping && run->record.cut == CUT_NONE;
    if (held || !has_place(run, node)) {
        return false;
    }
    stage->record.started_at = turn->now.wall_ms;
    const Node *definition = &run->definition->nodes[node];
    if (definition->kind == NODE_OBSERVE) {
        stage->record.retry_at = turn->now.wall_ms + definition->wait_ms;
    }
    stage_set_state(turn, run, node, STATE_SCHEDULED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_RESOLVING);
    return true;
}

static bool blocked_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_skip(turn, run, node);
        return true;
    }
    if (!stage->record.blocked) {
        stage_set_state(turn, run, node, STATE_WAITING, REASON_NONE);
        stage_set_phase(turn, run, node, PHASE_WAITING);
        return true;
    }
    return false;
}

static bool ended_advance(Turn *turn, Run *run, int node)
{
    (void)turn, (void)run, (void)node;
    return false;
}

bool stage_advance(Turn *turn, Run *run, int node)
{
    static bool (*const advance[PHASES])(Turn *, Run *, int) = {
        [PHASE_WAITING] = waiting_advance,     [PHASE_BLOCKED] = blocked_advance,
        [PHASE_RESOLVING] = resolving_advance, [PHASE_CREATING] = creating_advance,
        [PHASE_SEARCHING] = searching_advance, [PHASE_LOOKING] = looking_advance,
        [PHASE_WATCHING] = watching_advance,   [PHASE_REPORTING] = reporting_advance,
        [PHASE_DELAYING] = delaying_advance,   [PHASE_ENDED] = ended_advance,
    };
    return advance[run->stages[node].record.phase](turn, run, node);
}

/* A failed branch of a group that says `on_failure: cancel` takes its siblings with it. */
static void cut_siblings(Turn *turn, Run *run, int node)
{
    const Node *nodes = run->definition->nodes;
    for (int group = nodes[node].parent; group >= 0; group = nodes[group].parent) {
        for (int i = group + 1; nodes[group].cancel_on_failure && i < nodes[group].end; i++) {
            if (node_is_leaf(&nodes[i]) && i != node && nodes[i].when == WHEN_SUCCESS) {
                stage_cut(turn, run, i, CUT_SIBLING);
            }
        }
    }
}

void stage_finish(Turn *turn, Run *run, int node, State state, Reason reason, const char *message)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    bool real = attempt && attempt->ended_at;
    stage->record.ended_at = real ? attempt->ended_at : turn->now.wall_ms;
    if (stage->record.ended_at < stage->record.started_at) {
        stage->record.ended_at = stage->record.started_at;
    }
    text_replace(&stage->record.message, message);
    stage_set_state(turn, run, node, state, reason);
    stage_set_phase(turn, run, node, PHASE_ENDED);
    account_stage_end(turn, run, node);
    if (stage_failed(run, node)) {
        if (!run->record.failure && stage->record.cut != CUT_SIBLING) {
            run->record.failure =
                stage->failure ? memory_steal(&stage->failure) : failure_of_stage(turn->engine, run, node);
        }
        cut_siblings(turn, run, node);
    }
    failure_free(memory_steal(&stage->failure));
}

void stage_cut(Turn *turn, Run *run, int node, Cut cut)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase == PHASE_ENDED || stage->record.cut != CUT_NONE) {
        return;
    }
    stage->record.cut = cut;
    stage->cancel_due = turn->now.boot_ms;
    stage_touch(turn, run, node);
}

void stage_finish_cut(Turn *turn, Run *run, int node)
{
    static const char *const messages[CUTS] = {
        [CUT_OPERATOR] = "cancelled through sendpost",
        [CUT_REPLACED] = "cancelled, as a newer run replaces this one",
        [CUT_RUN_TIMEOUT] = "the run took longer than its timeout",
        [CUT_SIBLING] = "cancelled, as another branch failed",
        [CUT_STAGE_TIMEOUT] = "took longer than its timeout",
    };
    Cut cut = run->stages[node].record.cut;
    bool timed_out = cut == CUT_RUN_TIMEOUT || cut == CUT_STAGE_TIMEOUT;
    AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    if (attempt && !state_is_end(attempt->state)) {
        attempt->state = timed_out ? STATE_FAILED : STATE_CANCELLED;
        attempt->reason = timed_out ? REASON_TIMED_OUT : REASON_CANCELLED;
        attempt->dirty = true;
    }
    stage_finish(turn, run, node, timed_out ? STATE_FAILED : STATE_CANCELLED,
                 timed_out ? REASON_TIMED_OUT : REASON_CANCELLED, messages[cut]);
}
