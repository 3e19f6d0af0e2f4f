/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, at the moment it is decided: the journal writes these numbers in the same transaction. */
#include "base/memory.h"
#include "engine/internal.h"
#include <string.h>

void account_refusal(Turn *turn, Sendpost *sendpost, Refusal refusal)
{
    sendpost->totals.refused[refusal]++;
    turn_touch_sendpost(turn, sendpost);
}

/* What ended while no agent ran may have met a tick that is judged only now. A success of the future is none: the clock
 * was ahead. */
void account_tick(const Turn *turn, Sendpost *sendpost, int64_t at, Verdict verdict)
{
    SendpostTotals *totals = &sendpost->totals;
    bool is_met = at <= totals->last_success_at && totals->last_success_at <= turn->now.wall_ms;
    if (verdict != VERDICT_DISABLED && !is_met && !totals->unmet_tick_at) {
        totals->unmet_tick_at = at;
    }
}

void account_first_running(Turn *turn, Run *run, int64_t started_at)
{
    if (run->record.first_running_at) {
        return;
    }
    run->record.first_running_at = started_at;
    int64_t accepted_at = run->record.start_at ? run->record.start_at : run->record.created_at;
    int64_t due_at = run->record.trigger == TRIGGER_SCHEDULE ? run->record.for_at : accepted_at;
    int64_t delay_ms = started_at > due_at ? started_at - due_at : 0;
    StartDelayHistogram *histogram = &run->sendpost->totals.start_delay;
    histogram_add(histogram->counts, start_delay_bucket_seconds, START_DELAY_BUCKETS, delay_ms);
    histogram->count++;
    histogram->sum_ms += delay_ms;
    turn_touch_run(turn, run);
    turn_touch_sendpost(turn, run->sendpost);
}

void account_stage_end(Turn *turn, Run *run, int node)
{
    SendpostStage *shown = sendpost_stage_of(run->sendpost, run, node);
    if (!shown) {
        return;
    }
    const StageRecord *stage = &run->stages[node].record;
    int64_t duration_ms = stage->ended_at - stage->started_at;
    shown->totals.ended++;
    shown->totals.duration_sum_ms += duration_ms;
    shown->totals.last_duration_ms = duration_ms;
    if (stage->state == STATE_COMPLETED) {
        shown->totals.last_success_at = stage->ended_at;
    } else if (stage->state != STATE_CANCELLED || stage->cut == CUT_NONE) {
        shown->totals.last_failure_at = stage->ended_at;
        shown->totals.failures++;
    }
    shown->totals.last_state = stage->state;
    shown->dirty = true;
    turn_touch_sendpost(turn, run->sendpost);
}

/* The first start and the last end that Prefect knows of, else our own. */
static void run_duration(Run *run)
{
    int64_t start = 0, end = 0;
    for (size_t i = 0; i < run->definition->node_count; i++) {
        const StageRecord *stage = &run->stages[i].record;
        for (size_t j = 0; j < stage->attempt_count && !stage->taken_over; j++) {
            const AttemptRecord *attempt = &stage->attempts[j];
            /* What is observed may have begun long before the run. */
            bool before = !attempt->key && attempt->started_at && attempt->started_at < run->record.started_at;
            int64_t began = before ? run->record.started_at : attempt->started_at;
            start = began && (!start || began < start) ? began : start;
            end = attempt->ended_at > end ? attempt->ended_at : end;
        }
    }
    if (!start || !end) {
        start = run->record.started_at ? run->record.started_at : run->record.ended_at;
        end = run->record.ended_at;
    }
    run->record.duration_ms = end > start ? end - start : 0;
}

static void account_success(Sendpost *sendpost, const Run *run)
{
    SendpostTotals *totals = &sendpost->totals;
    totals->last_success_at = run->record.ended_at;
    totals->unmet_tick_at = 0;
    failure_free(sendpost->last_failure);
    sendpost->last_failure = NULL;
    int64_t duration_ms = run->record.duration_ms;
    int bucket = histogram_add(totals->duration.counts, duration_bucket_seconds, DURATION_BUCKETS, duration_ms);
    totals->duration.count++;
    totals->duration.sum_ms += duration_ms;
    if (!sendpost->exemplars) {
        sendpost->exemplars = memory_new((DURATION_BUCKETS + 1) * sizeof *sendpost->exemplars);
    }
    Exemplar *exemplar = &sendpost->exemplars[bucket];
    *exemplar = (Exemplar){.duration_ms = duration_ms, .at = run->record.ended_at};
    memcpy(exemplar->run_id, run->record.id, UUID_SIZE);
}

static void account_failure(Sendpost *sendpost, const Run *run)
{
    sendpost->totals.failures[run->record.reason]++;
    sendpost->totals.last_failure_at = run->record.ended_at;
    failure_free(sendpost->last_failure);
    sendpost->last_failure = run->record.failure ? failure_copy(run->record.failure) : NULL;
    memcpy(sendpost->last_failure_run, run->record.id, UUID_SIZE);
}

static void account_shown_states(Run *run)
{
    for (size_t i = 0; i < run->definition->node_count; i++) {
        SendpostStage *shown = sendpost_stage_of(run->sendpost, run, (int)i);
        if (shown) {
            shown->totals.last_state = shown->state = run->stages[i].record.state;
            shown->started_at = 0;
            shown->dirty = true;
        }
    }
}

void account_run_end(Turn *turn, Run *run)
{
    Sendpost *sendpost = run->sendpost;
    RunRecord *record = &run->record;
    run_duration(run);
    sendpost->totals.runs[record->trigger]++;
    if (record->state == STATE_COMPLETED) {
        account_success(sendpost, run);
    } else if (record->state == STATE_CANCELLED) {
        sendpost->totals.cancellations++;
    } else if (record->state != STATE_SKIPPED) {
        account_failure(sendpost, run);
    }
    if (record->admitted) {
        sendpost->totals.last_run_start_at = record->started_at;
        sendpost->totals.last_run_end_at = record->ended_at;
        sendpost->totals.last_run_duration_ms = record->duration_ms;
        if (!sendpost->last_run) {
            sendpost->last_run = memory_new(sizeof *sendpost->last_run);
        }
        run_record_release(sendpost->last_run);
        run_record_copy(sendpost->last_run, record);
        account_shown_states(run);
    }
    turn_touch_sendpost(turn, sendpost);
}
