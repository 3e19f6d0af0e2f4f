/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"
#include "base/assert.h"
#include "base/text.h"

static bool branch_is_at_work(const Run *run, int branch)
{
    for (int i = branch; i < run->definition->nodes[branch].end; i++) {
        Phase phase = run->stages[i].record.phase;
        if (node_is_leaf(&run->definition->nodes[i]) && phase > PHASE_BLOCKED && phase != PHASE_ENDED) {
            return true;
        }
    }
    return false;
}

static void check_places(const Run *run)
{
    const Node *nodes = run->definition->nodes;
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        int at_work = 0;
        for (int j = i + 1; nodes[i].max_concurrent && j < nodes[i].end; j = nodes[j].end) {
            at_work += branch_is_at_work(run, j);
        }
        invariant(at_work <= nodes[i].max_concurrent);
    }
}

/* The moment at which an attempt is seen to have ended. What the wall clock has to do with is not judged once it was
 * set. */
static void judge(const World *world, SimulatedRun *run)
{
    const StoredRun *stored;
    int node;
    const AttemptRecord *attempt = store_find_attempt(world->store, run->flow_run.key, &stored, &node);
    if (!attempt || !state_is_end(attempt->state)) {
        return;
    }
    run->judged = true;
    int64_t crashed_ms = run->crashed_boot ? world->now.boot_ms - run->crashed_boot : 0;
    invariant(attempt->reason != REASON_CRASHED || world->jumped || crashed_ms >= SETTLE_MS ||
              run->crashed_ms >= SETTLE_MS);
    invariant(attempt->reason != REASON_TIMED_OUT || world->jumped || stored->definition->timeout_ms ||
              world->now.boot_ms - run->created_boot >= stored->definition->nodes[node].timeout_ms);
}

void check_turn(const Engine *engine, World *world)
{
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        size_t admitted = 0;
        for (size_t j = 0; j < sendpost->run_count; j++) {
            admitted += sendpost->runs[j]->record.admitted;
            check_places(sendpost->runs[j]);
        }
        invariant(admitted <= 1);
    }
    for (size_t i = 0; i < world->run_count; i++) {
        size_t count;
        const char *key = world->runs[i].flow_run.key;
        if (key) {
            prefect_find_key(world, key, &count);
            invariant(count == 1);
        }
        if (key && !world->runs[i].judged) {
            judge(world, &world->runs[i]);
        }
    }
}

void check_intent(const World *world, const Request *request)
{
    const StoredRun *stored;
    int node;
    const AttemptRecord *attempt = store_find_attempt(world->store, request->key, &stored, &node);
    invariant(attempt);
    invariant(text_equal(attempt->body, request->body));
    invariant(text_equal(attempt->deployment_id, request->deployment_id));
}

/* It may be at work although its stage or run has ended: left on purpose, or it woke up after its crash was believed.
 */
static bool was_let_go(const StoredRun *stored, int node, const AttemptRecord *attempt)
{
    bool left = attempt->reason == REASON_TIMED_OUT && stored->definition->nodes[node].leave_on_timeout;
    return left || attempt->reason == REASON_CRASHED || attempt->prefect_type == PREFECT_CRASHED;
}

void check_creation(const World *world, const Request *request)
{
    const StoredRun *stored, *other_stored;
    int node, other_node;
    const AttemptRecord *attempt = store_find_attempt(world->store, request->key, &stored, &node);
    for (size_t i = 0; i < world->run_count; i++) {
        const SimulatedRun *run = &world->runs[i];
        const AttemptRecord *other =
            run->flow_run.key ? store_find_attempt(world->store, run->flow_run.key, &other_stored, &other_node) : NULL;
        if (!other || (other_stored == stored && other_node != node)) {
            continue;
        }
        bool ended = prefect_type_is_end(run->flow_run.type), let_go = was_let_go(other_stored, other_node, other);
        invariant(ended || let_go);
        bool before = other_stored == stored && other->number + 1 == attempt->number;
        invariant(!before || let_go || world->jumped ||
                  world->now.boot_ms - run->ended_boot >= stored->definition->nodes[node].retry_delay_ms);
    }
}

static Cut stored_cut(const StoredRun *stored, int node)
{
    for (size_t i = 0; i < stored->stage_count; i++) {
        if (stored->stages[i].node == node) {
            return stored->stages[i].cut;
        }
    }
    return CUT_NONE;
}

void check_cancel(const World *world, const Request *request, const SimulatedRun *run)
{
    const StoredRun *stored;
    int node;
    invariant(!run->foreign);
    const AttemptRecord *attempt = store_find_attempt(world->store, run->flow_run.key, &stored, &node);
    invariant(attempt);
    /* Or it was under way for long: its attempt has ended, and is tried again. */
    invariant(request->force || stored_cut(stored, node) != CUT_NONE || state_is_end(attempt->state));
    bool grace_over = run->cancelling_boot && world->now.boot_ms - run->cancelling_boot >= CANCEL_GRACE_MS;
    invariant(!request->force || grace_over || run->paused || world->jumped);
}

void check_resume(const World *world, const Request *request)
{
    const SimulatedRun *run = prefect_find(world, request->flow_run_id);
    const StoredRun *stored;
    int node;
    invariant(run && !run->foreign && run->paused);
    invariant(run->deleted || store_find_attempt(world->store, run->flow_run.key, &stored, &node));
}

/* An attempt's end must be what really happened to its flow run. */
static void check_attempt(const World *world, const AttemptRecord *attempt)
{
    const SimulatedRun *run = attempt->flow_run_id ? prefect_find(world, attempt->flow_run_id) : NULL;
    invariant(state_is_end(attempt->state));
    invariant(!attempt->flow_run_id || run);
    PrefectType type = run ? run->flow_run.type : PREFECT_SCHEDULED;
    if (run && run->completed_by_hand) {
        return; /* what it was before is not known any more */
    }
    switch (attempt->reason) {
    case REASON_NONE:
        invariant(attempt->state == STATE_COMPLETED && type == PREFECT_COMPLETED);
        break;
    case REASON_FAILED:
        invariant(type == PREFECT_FAILED);
        break;
    case REASON_CRASHED:
        invariant(type == PREFECT_CRASHED || run->crashed_ms); /* it may have gone on after the settle window */
        break;
    case REASON_LOST:
        invariant(run->deleted);
        break;
    case REASON_REJECTED:
        invariant(!run);
        break;
    default:
        break;
    }
}

/* What was cancelled through sendpost is not left running in Prefect. */
static void check_nothing_left(const World *world, const StoredRun *stored)
{
    for (size_t i = 0; i < stored->stage_count; i++) {
        const StageRecord *stage = &stored->stages[i];
        const Node *node = &stored->definition->nodes[stage->node];
        for (size_t j = 0; j < stage->attempt_count && node->kind == NODE_RUN; j++) {
            const SimulatedRun *run =
                stage->attempts[j].flow_run_id ? prefect_find(world, stage->attempts[j].flow_run_id) : NULL;
            invariant(!run || run->deleted || prefect_type_is_end(run->flow_run.type) ||
                      was_let_go(stored, stage->node, &stage->attempts[j]));
        }
    }
}

static void check_completed(const StoredRun *stored)
{
    for (size_t i = 0; i < stored->stage_count; i++) {
        const StageRecord *stage = &stored->stages[i];
        bool allowed = stored->definition->nodes[stage->node].allow_failure;
        invariant(allowed || stage->state == STATE_COMPLETED || stage->state == STATE_SKIPPED);
    }
}

static const StageRecord *stage_of(const StoredRun *stored, int node)
{
    for (size_t i = 0; i < stored->stage_count; i++) {
        if (stored->stages[i].node == node) {
            return &stored->stages[i];
        }
    }
    invariant(!"every stage of a run that was admitted has a record");
    return NULL;
}

static bool counts_as_failed(const StoredRun *stored, int node)
{
    const StageRecord *stage = stage_of(stored, node);
    bool bad = stage->state == STATE_FAILED || stage->state == STATE_CRASHED || stage->state == STATE_CANCELLED;
    return bad && !stored->definition->nodes[node].allow_failure && !stage->taken_over;
}

/* What is taken over did not run here: it has no flow run of its own. */
static void check_taken_over(const StoredRun *stored, const StageRecord *stage)
{
    bool asked = stage->former_flow_run && stage->attempt_count == 1 &&
                 text_equal(stage->former_flow_run, stage->attempts[0].flow_run_id);
    for (size_t i = 0; i < stage->attempt_count && stage->taken_over; i++) {
        invariant(!stage->attempts[i].key && stored->record.retry_of[0]);
    }
    invariant(!stage->taken_over || stage->state == STATE_COMPLETED ||
              (stage->state == STATE_SKIPPED && stage->attempt_count == 0));
    invariant(!stage->taken_over || stage->state != STATE_COMPLETED || asked || !stage->former_flow_run);
}

/* A retry and what it retries know each other, and nothing that the one has completed is done again by the other,
 * unless it was asked for. */
static void check_retry(Store *store, const StoredRun *stored)
{
    const RunRecord *record = &stored->record;
    invariant((record->trigger == TRIGGER_RETRY) == (record->retry_of[0] != '\0'));
    if (!record->retry_of[0]) {
        return;
    }
    const StoredRun *old = store_find(store, record->retry_of);
    invariant(old && state_is_end(old->record.state) && text_equal(old->record.retried_by, record->id));
    invariant(old->record.for_at == record->for_at && text_equal(old->record.parameters, record->parameters));
    for (size_t i = 0; i < old->stage_count && !record->from; i++) {
        const StageRecord *stage = &old->stages[i];
        const Node *node = &old->definition->nodes[stage->node];
        bool done = node_is_leaf(node) && stage->state == STATE_COMPLETED && node->when == WHEN_SUCCESS;
        invariant(!done || stage_of(stored, stage->node)->taken_over);
    }
}

/* Who may stop a stage for what, and what comes after a failure. */
static void check_stage(const StoredRun *stored, const StageRecord *stage)
{
    const Node *node = &stored->definition->nodes[stage->node];
    Cut cut = stored->record.cut;
    bool spared = node->when == WHEN_ALWAYS; /* unless an operator asks again */
    invariant(stage->cut != CUT_OPERATOR || cut == CUT_OPERATOR || (spared && cut == CUT_REPLACED));
    invariant(stage->cut != CUT_REPLACED || cut == CUT_REPLACED);
    invariant(stage->cut != CUT_RUN_TIMEOUT || cut == CUT_RUN_TIMEOUT || cut == CUT_OPERATOR);
    check_taken_over(stored, stage);
    if (spared && !stage->taken_over) {
        invariant(stage->cut == CUT_NONE || stage->cut == CUT_STAGE_TIMEOUT || stage->cut == CUT_OPERATOR);
        invariant(stage->state != STATE_SKIPPED || stage->cut == CUT_OPERATOR);
    }
    for (size_t i = 0; i < node->needs_count && node->when == WHEN_SUCCESS; i++) {
        invariant(!counts_as_failed(stored, node->needs[i]) || stage->state == STATE_SKIPPED);
    }
}

static void check_run(const World *world, const StoredRun *stored)
{
    const RunRecord *record = &stored->record;
    invariant(state_is_end(record->state));
    invariant(record->first_event > 0 && record->last_event > record->first_event);
    for (size_t i = 0; i < stored->stage_count; i++) {
        for (size_t j = 0; j < stored->stages[i].attempt_count; j++) {
            check_attempt(world, &stored->stages[i].attempts[j]);
        }
        bool leaf = node_is_leaf(&stored->definition->nodes[stored->stages[i].node]);
        invariant(!leaf || state_is_end(stored->stages[i].state));
        if (record->admitted && leaf) {
            check_stage(stored, &stored->stages[i]);
        }
    }
    check_nothing_left(world, stored);
    if (record->state == STATE_COMPLETED) {
        check_completed(stored);
    }
    bool failed = record->state == STATE_FAILED || record->state == STATE_CRASHED;
    invariant(!failed || (record->failure && record->reason != REASON_NONE));
    invariant(record->state != STATE_CANCELLED || record->cut == CUT_OPERATOR || record->cut == CUT_REPLACED);
    invariant(record->state != STATE_CRASHED || record->failure->reason == REASON_CRASHED);
}

/* Counted once, whatever crashed in between. */
static void check_totals(const Store *store)
{
    const SendpostTotals *totals = &store->sendpost.totals;
    uint64_t runs = 0, attempts = 0, failures = 0, counted = 0;
    for (size_t i = 0; i < store->run_count; i++) {
        runs += state_is_end(store->runs[i].record.state);
        failures += store->runs[i].record.state == STATE_FAILED || store->runs[i].record.state == STATE_CRASHED;
        for (size_t j = 0; j < store->runs[i].stage_count; j++) {
            const StageRecord *stage = &store->runs[i].stages[j];
            for (size_t k = 0; k < stage->attempt_count; k++) {
                attempts += stage->attempts[k].key && stage->attempts[k].flow_run_id;
            }
        }
    }
    for (int i = 0; i < REASONS; i++) {
        failures -= totals->failures[i];
    }
    for (int i = 0; i < TRIGGERS; i++) {
        counted += totals->runs[i];
    }
    invariant(counted == runs);
    invariant(failures == 0);
    invariant(store->totals.flow_runs_created + store->totals.flow_runs_adopted == attempts);
}

/* Every flow run that exists belongs to an attempt that knows it. */
static void check_flow_runs(const World *world, const Store *store)
{
    for (size_t i = 0; i < world->run_count; i++) {
        const SimulatedRun *run = &world->runs[i];
        if (run->foreign || run->deleted) {
            continue;
        }
        const StoredRun *stored;
        int node;
        const AttemptRecord *attempt = store_find_attempt(store, run->flow_run.key, &stored, &node);
        invariant(attempt);
        invariant(text_equal(attempt->flow_run_id, run->flow_run.id));
    }
}

void check_rest(const Engine *engine, const World *world, Store *store, char (*accepted)[UUID_SIZE],
                size_t accepted_count)
{
    for (size_t i = 0; i < accepted_count; i++) {
        const StoredRun *stored = store_find(store, accepted[i]);
        invariant(stored);
    }
    for (size_t i = 0; i < store->run_count; i++) {
        check_run(world, &store->runs[i]);
        check_retry(store, &store->runs[i]);
    }
    check_flow_runs(world, store);
    check_totals(store);
    invariant(engine_watched_count(engine) == 0);
    invariant(engine_deadline(engine, world->now) == TIME_NEVER);
}
