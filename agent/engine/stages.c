/* SPDX-License-Identifier: Apache-2.0 */
/* A stage as a whole: when it may start, what each of its phases does next, how it ends. */
#include "base/assert.h"
#include "base/memory.h"
#include "engine/groups.h"
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

/* A branch has one of its group's places from its first start to its last end, and goes on before others begin. But
 * while all that is left of it waits for other branches, it lets them have its place. */
typedef enum Place { PLACE_NONE, PLACE_DUE, PLACE_TAKEN } Place;

static Place branch_place(const Run *run, int branch)
{
    bool started = false, blocked = false;
    int end = run->definition->nodes[branch].end;
    for (int i = branch; i < end; i++) {
        const StageRecord *stage = &run->stages[i].record;
        if (!node_is_leaf(&run->definition->nodes[i])) {
            continue;
        }
        if (stage->phase > PHASE_BLOCKED && stage->phase != PHASE_ENDED) {
            return PLACE_TAKEN;
        }
        started = started || (stage->phase == PHASE_ENDED && stage->state != STATE_SKIPPED);
        blocked = blocked || stage->phase == PHASE_BLOCKED;
    }
    if (started && blocked) {
        return PLACE_TAKEN;
    }
    for (int i = branch; started && i < end; i++) {
        bool waits = node_is_leaf(&run->definition->nodes[i]) && run->stages[i].record.phase == PHASE_WAITING;
        if (waits && needs_ended(run, i)) {
            return PLACE_DUE;
        }
    }
    return PLACE_NONE;
}

/* Counted once for each round of a run: asking all branches for each that waits would be quadratic. What gives its
 * place back within a round is counted in the next. */
void places_count(Run *run)
{
    const Node *nodes = run->definition->nodes;
    for (int group = 0; group < (int)run->definition->node_count; group++) {
        Stage *stage = &run->stages[group];
        stage->places_due = stage->places_taken = 0;
        for (int i = group + 1; nodes[group].max_concurrent && i < nodes[group].end; i = nodes[i].end) {
            Place place = branch_place(run, i);
            stage->places_due += place == PLACE_DUE;
            stage->places_taken += place == PLACE_TAKEN;
        }
    }
}

static bool has_place(const Run *run, int node)
{
    const Node *nodes = run->definition->nodes;
    for (int branch = node, group = nodes[node].parent; group >= 0; branch = group, group = nodes[group].parent) {
        Place own = nodes[group].max_concurrent ? branch_place(run, branch) : PLACE_TAKEN;
        const Stage *stage = &run->stages[group];
        int before = stage->places_taken + (own == PLACE_NONE ? stage->places_due : 0);
        if (own != PLACE_TAKEN && before >= nodes[group].max_concurrent) {
            return false;
        }
    }
    return true;
}

static void place_take(Run *run, int node)
{
    const Node *nodes = run->definition->nodes;
    for (int branch = node, group = nodes[node].parent; group >= 0; branch = group, group = nodes[group].parent) {
        Place own = nodes[group].max_concurrent ? branch_place(run, branch) : PLACE_TAKEN;
        run->stages[group].places_due -= own == PLACE_DUE;
        run->stages[group].places_taken += own != PLACE_TAKEN;
    }
}

static void stage_skip(Turn *turn, Run *run, int node)
{
    stage_set_state(turn, run, node, STATE_SKIPPED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_ENDED);
}

void stages_skip(Turn *turn, Run *run)
{
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        if (node_is_leaf(&run->definition->nodes[i]) && run->stages[i].record.phase != PHASE_ENDED) {
            stage_skip(turn, run, i);
        }
    }
    groups_derive(run);
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
    place_take(run, node);
    stage->record.started_at = turn->now.wall_ms;
    const Node *definition = &run->definition->nodes[node];
    if (definition->kind == NODE_OBSERVE) {
        stage->record.retry_at = turn->now.wall_ms + definition->wait_ms;
    }
    stage_set_state(turn, run, node, STATE_SCHEDULED, REASON_NONE);
    stage_set_phase(turn, run, node, stage->record.former_flow_run ? PHASE_ASKING : PHASE_RESOLVING);
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
        [PHASE_ASKING] = asking_advance,       [PHASE_RESOLVING] = resolving_advance,
        [PHASE_CREATING] = creating_advance,   [PHASE_SEARCHING] = searching_advance,
        [PHASE_LOOKING] = looking_advance,     [PHASE_WATCHING] = watching_advance,
        [PHASE_REPORTING] = reporting_advance, [PHASE_DELAYING] = delaying_advance,
        [PHASE_ENDED] = ended_advance,
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

static bool cut_is_final(Cut cut)
{
    return cut != CUT_NONE && cut != CUT_STAGE_TIMEOUT;
}

/* A stage's own timeout, which lets it try again, gives way to what does not. */
void stage_cut(Turn *turn, Run *run, int node, Cut cut)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase == PHASE_ENDED || stage->record.cut == cut || cut_is_final(stage->record.cut)) {
        return;
    }
    if (stage->record.cut == CUT_NONE) {
        stage->cancel_due = turn->now.boot_ms;
    }
    stage->record.cut = cut;
    stage_touch(turn, run, node);
}

bool stage_is_stopped(const Run *run, int node)
{
    bool spared = run->definition->nodes[node].when == WHEN_ALWAYS;
    return cut_is_final(run->stages[node].record.cut) || (run->record.cut != CUT_NONE && !spared);
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
    StageRecord *stage = &run->stages[node].record;
    stage->cut = stage->cut != CUT_NONE ? stage->cut : run->record.cut;
    Cut cut = stage->cut;
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
