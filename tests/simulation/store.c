/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "marks.h"
#include <string.h>

static void stage_copy_own(StageRecord *to, const StageRecord *from)
{
    AttemptRecord *attempts = to->attempts;
    size_t count = to->attempt_count;
    free(to->message);
    free(to->deployment_id);
    free(to->deployment_name);
    free(to->parameters);
    free(to->former_flow_run);
    *to = *from;
    to->message = text_copy(from->message);
    to->deployment_id = text_copy(from->deployment_id);
    to->deployment_name = text_copy(from->deployment_name);
    to->parameters = text_copy(from->parameters);
    to->former_flow_run = text_copy(from->former_flow_run);
    to->attempts = attempts;
    to->attempt_count = count;
    to->dirty = false;
}

static StageRecord *stored_stage(StoredRun *run, int node)
{
    for (size_t i = 0; i < run->stage_count; i++) {
        if (run->stages[i].node == node) {
            return &run->stages[i];
        }
    }
    run->stages = memory_resize(run->stages, run->stage_count + 1, sizeof *run->stages);
    run->stages[run->stage_count] = (StageRecord){.node = node};
    return &run->stages[run->stage_count++];
}

/* What was sent is frozen; another deployment makes another intent. */
static void check_change(const AttemptRecord *before, const AttemptRecord *after)
{
    bool same = text_equal(before->key, after->key);
    invariant(same == text_equal(before->deployment_id, after->deployment_id));
    invariant(!same || text_equal(before->body, after->body));
    invariant(!before->flow_run_id || text_equal(before->flow_run_id, after->flow_run_id));
    invariant(!state_is_end(before->state) || (before->state == after->state && before->reason == after->reason));
}

/* Only some ends are tried again. */
static void check_follows(const AttemptRecord *before)
{
    invariant(before->reason == REASON_FAILED || before->reason == REASON_CRASHED ||
              before->reason == REASON_TIMED_OUT);
}

static void check_attempt(const StageRecord *to, const StageRecord *from, size_t i, bool stopped)
{
    const AttemptRecord *before = i < to->attempt_count ? &to->attempts[i] : NULL, *after = &from->attempts[i];
    if (!after->key) {
        return; /* observed */
    }
    if (before) {
        check_change(before, after);
    } else if (i > 0) {
        check_follows(&from->attempts[i - 1]);
    }
    invariant(!stopped || (before && text_equal(before->key, after->key)));
}

static void commit_attempts(StageRecord *to, StageRecord *from, bool stopped)
{
    for (size_t i = 0; i < from->attempt_count; i++) {
        AttemptRecord *attempt = &from->attempts[i];
        if (!attempt->dirty) {
            invariant(i < to->attempt_count);
            continue;
        }
        attempt->dirty = false;
        check_attempt(to, from, i, stopped);
        if (i < to->attempt_count) {
            attempt_record_release(&to->attempts[i]);
        } else {
            invariant(i == to->attempt_count);
            to->attempts = memory_resize(to->attempts, ++to->attempt_count, sizeof *to->attempts);
        }
        to->attempts[i] = attempt_record_copy(attempt);
    }
}

/* cut: of the run as it was before. Then nothing begins any more but what runs always, unless that was cut by itself.
 */
static void commit_stage(StoredRun *run, StageRecord *stage, Cut cut)
{
    StageRecord *to = stored_stage(run, stage->node);
    bool spared = run->definition->nodes[stage->node].when == WHEN_ALWAYS;
    bool stopped = cut != CUT_NONE && (!spared || to->cut == CUT_OPERATOR);
    invariant(to->phase != PHASE_ENDED || to->state == stage->state); /* ended means ended */
    stage_copy_own(to, stage);
    commit_attempts(to, stage, stopped);
    stage->dirty = false;
}

StoredRun *store_find(Store *store, const char *run_id)
{
    for (size_t i = 0; i < store->run_count; i++) {
        if (text_equal(store->runs[i].record.id, run_id)) {
            return &store->runs[i];
        }
    }
    return NULL;
}

static void commit_run(Store *store, Run *run)
{
    StoredRun *stored = store_find(store, run->record.id);
    Cut cut = stored ? stored->record.cut : CUT_NONE;
    if (!stored) {
        array_push(store->runs, store->run_count, store->run_capacity) =
            (StoredRun){.definition = definition_hold(run->definition)};
        stored = &store->runs[store->run_count - 1];
    } else {
        invariant(!state_is_end(stored->record.state));
        run_record_release(&stored->record);
    }
    run_record_copy(&stored->record, &run->record);
    stored->record.dirty = false;
    for (size_t i = 0; i < run->definition->node_count; i++) {
        if (run->stages[i].record.dirty) {
            commit_stage(stored, &run->stages[i].record, cut);
        }
    }
    run->record.dirty = run->dirty = false;
}

/* Once, and by a run that is there. */
static void commit_retry(Store *store, const RetryRecord *retry)
{
    StoredRun *old = store_find(store, retry->run_id), *by = store_find(store, retry->retried_by);
    invariant(old && by && old != by);
    invariant(state_is_end(old->record.state) && !old->record.retried_by[0]);
    memcpy(old->record.retried_by, retry->retried_by, UUID_SIZE);
}

static void commit_key(Store *store, const KeyRecord *key)
{
    StoredKey stored = {text_copy(key->scope), text_copy(key->key), text_copy(key->digest), ""};
    memcpy(stored.run_id, key->run_id, UUID_SIZE);
    array_push(store->keys, store->key_count, store->key_capacity) = stored;
}

static void commit_tick(Store *store, const TickRecord *tick)
{
    invariant(tick->at > store->last_tick_at && tick->number == store->tick_count + 1);
    store->last_tick_at = tick->at;
    store->tick_count = tick->number;
    bool started = tick->verdict == VERDICT_STARTED || tick->verdict == VERDICT_CAUGHT_UP;
    const StoredRun *run = started ? store_find(store, tick->run_id) : NULL;
    invariant(!started || (run && run->record.trigger == TRIGGER_SCHEDULE && run->record.for_at == tick->at));
}

static void commit_sendpost(StoredSendpost *stored, Sendpost *sendpost)
{
    invariant(!stored->stages || stored->stage_count == sendpost->stage_count);
    if (!stored->stages) {
        stored->name = text_copy(sendpost->name);
        stored->stage_count = sendpost->stage_count;
        stored->stages = memory_new(stored->stage_count * sizeof *stored->stages);
        stored->paths = memory_new(stored->stage_count * sizeof *stored->paths);
    }
    stored->totals = sendpost->totals;
    free(stored->marks);
    stored->marks = marks_copy(sendpost->marks, sendpost->mark_count);
    stored->mark_count = sendpost->mark_count;
    for (size_t i = 0; i < stored->stage_count; i++) {
        stored->stages[i] = sendpost->stages[i].totals;
        text_replace(&stored->paths[i], sendpost->stages[i].path);
    }
    sendpost->dirty = false;
}

void store_write(Store *store, const Changes *changes, const AgentTotals *totals)
{
    for (size_t i = 0; i < changes->run_count; i++) {
        commit_run(store, changes->runs[i]);
    }
    for (size_t i = 0; i < changes->retry_count; i++) {
        commit_retry(store, &changes->retries[i]);
    }
    for (size_t i = 0; i < changes->sendpost_count; i++) {
        commit_sendpost(&store->sendpost, changes->sendposts[i]);
    }
    for (size_t i = 0; i < changes->tick_count; i++) {
        commit_tick(store, &changes->ticks[i]);
    }
    for (size_t i = 0; i < changes->key_count; i++) {
        commit_key(store, &changes->keys[i]);
    }
    for (size_t i = 0; i < changes->event_count; i++) {
        invariant(changes->events[i].id == store->last_event_id + 1);
        store->last_event_id = changes->events[i].id;
    }
    store->totals = *totals;
}

static void restore_sendpost(const StoredSendpost *stored, Engine *engine)
{
    SendpostStage *stages = memory_new(stored->stage_count * sizeof *stages);
    for (size_t i = 0; i < stored->stage_count; i++) {
        stages[i] = (SendpostStage){.path = text_copy(stored->paths[i]), .totals = stored->stages[i]};
    }
    engine_restore_sendpost(engine, &(SendpostHistory){.name = stored->name,
                                                       .totals = stored->totals,
                                                       .stages = stages,
                                                       .stage_count = stored->stage_count,
                                                       .marks = marks_copy(stored->marks, stored->mark_count),
                                                       .mark_count = stored->mark_count});
}

void store_restore(const Store *store, Engine *engine)
{
    engine_restore_totals(engine, &store->totals, store->last_event_id);
    if (store->sendpost.name) {
        restore_sendpost(&store->sendpost, engine);
    }
    for (size_t i = 0; i < store->run_count; i++) {
        const StoredRun *stored = &store->runs[i];
        if (state_is_end(stored->record.state)) {
            continue;
        }
        RunRecord *record = memory_new(sizeof *record);
        run_record_copy(record, &stored->record);
        StageRecord *stages = memory_new(stored->stage_count * sizeof *stages);
        for (size_t j = 0; j < stored->stage_count; j++) {
            stage_copy_own(&stages[j], &stored->stages[j]);
            for (size_t k = 0; k < stored->stages[j].attempt_count; k++) {
                StageRecord *stage = &stages[j];
                stage->attempts = memory_resize(stage->attempts, k + 1, sizeof *stage->attempts);
                stage->attempts[stage->attempt_count++] = attempt_record_copy(&stored->stages[j].attempts[k]);
            }
        }
        engine_restore_run(engine, record, stages, stored->stage_count, definition_hold(stored->definition));
    }
}

const StoredKey *store_find_key(const Store *store, const char *sendpost, const char *key)
{
    for (size_t i = 0; i < store->key_count; i++) {
        if (text_equal(store->keys[i].sendpost, sendpost) && text_equal(store->keys[i].key, key)) {
            return &store->keys[i];
        }
    }
    return NULL;
}

const AttemptRecord *store_find_attempt(const Store *store, const char *key, const StoredRun **run, int *node)
{
    for (size_t i = 0; i < store->run_count; i++) {
        for (size_t j = 0; j < store->runs[i].stage_count; j++) {
            const StageRecord *stage = &store->runs[i].stages[j];
            for (size_t k = 0; k < stage->attempt_count; k++) {
                if (text_equal(stage->attempts[k].key, key)) {
                    *run = &store->runs[i];
                    *node = stage->node;
                    return &stage->attempts[k];
                }
            }
        }
    }
    return NULL;
}

void store_release(Store *store)
{
    for (size_t i = 0; i < store->run_count; i++) {
        for (size_t j = 0; j < store->runs[i].stage_count; j++) {
            stage_record_release(&store->runs[i].stages[j]);
        }
        free(store->runs[i].stages);
        run_record_release(&store->runs[i].record);
        definition_release(store->runs[i].definition);
    }
    for (size_t i = 0; i < store->key_count; i++) {
        free(store->keys[i].sendpost);
        free(store->keys[i].key);
        free(store->keys[i].digest);
    }
    for (size_t i = 0; i < store->sendpost.stage_count; i++) {
        free(store->sendpost.paths[i]);
    }
    free(store->sendpost.name);
    free(store->sendpost.paths);
    free(store->sendpost.marks);
    free(store->sendpost.stages);
    free(store->runs);
    free(store->keys);
    *store = (Store){0};
}
