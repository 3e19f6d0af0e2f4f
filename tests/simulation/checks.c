/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"
#include "base/assert.h"
#include "base/text.h"

void check_turn(const Engine *engine, const World *world)
{
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        size_t admitted = 0;
        for (size_t j = 0; j < sendpost->run_count; j++) {
            admitted += sendpost->runs[j]->record.admitted;
        }
        invariant(admitted <= 1);
    }
    for (size_t i = 0; i < world->run_count; i++) {
        size_t count;
        const char *key = world->runs[i].flow_run.key;
        if (key) {
            world_find_key(world, key, &count);
            invariant(count == 1);
        }
    }
}

/* An attempt's end must be what really happened to its flow run. */
static void check_attempt(const World *world, const AttemptRecord *attempt)
{
    const SimulatedRun *run = attempt->flow_run_id ? world_find(world, attempt->flow_run_id) : NULL;
    invariant(state_is_end(attempt->state));
    invariant(!attempt->flow_run_id || run);
    PrefectType type = run ? run->flow_run.type : PREFECT_SCHEDULED;
    switch (attempt->reason) {
    case REASON_NONE:
        invariant(attempt->state == STATE_COMPLETED && type == PREFECT_COMPLETED);
        break;
    case REASON_FAILED:
        invariant(type == PREFECT_FAILED);
        break;
    case REASON_CRASHED:
        invariant(type == PREFECT_CRASHED || run->steps > 0); /* it may have gone on after the settle window */
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
                stage->attempts[j].flow_run_id ? world_find(world, stage->attempts[j].flow_run_id) : NULL;
            bool left = node->leave_on_timeout && stage->attempts[j].reason == REASON_TIMED_OUT;
            invariant(!run || run->deleted || left || prefect_type_is_end(run->flow_run.type) ||
                      stage->attempts[j].reason == REASON_CRASHED);
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

static void check_run(const World *world, const StoredRun *stored)
{
    invariant(state_is_end(stored->record.state));
    for (size_t i = 0; i < stored->stage_count; i++) {
        for (size_t j = 0; j < stored->stages[i].attempt_count; j++) {
            check_attempt(world, &stored->stages[i].attempts[j]);
        }
    }
    check_nothing_left(world, stored);
    if (stored->record.state == STATE_COMPLETED) {
        check_completed(stored);
    }
    bool failed = stored->record.state == STATE_FAILED || stored->record.state == STATE_CRASHED;
    invariant(!failed || (stored->record.failure && stored->record.reason != REASON_NONE));
    invariant(stored->record.state != STATE_CANCELLED || stored->record.cut != CUT_NONE);
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
        check_run(world, stored);
    }
    check_flow_runs(world, store);
    invariant(engine_watched_count(engine) == 0);
    invariant(engine_deadline(engine, world->now) == TIME_NEVER);
}
