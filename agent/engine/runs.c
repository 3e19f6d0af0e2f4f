/* SPDX-License-Identifier: Apache-2.0 */
/* A run as a whole: it goes on as long as any of its stages can, and ends with the last of them. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/groups.h"
#include "engine/internal.h"
#include "time/duration.h"

Run *run_of(const Engine *engine, const char *id)
{
    return map_find(engine->runs, id);
}

void run_free(Run *run)
{
    for (size_t i = 0; i < run->definition->node_count; i++) {
        stage_record_release(&run->stages[i].record);
        failure_free(run->stages[i].failure);
    }
    free(run->stages);
    run_record_release(&run->record);
    json_free(run->parameters);
    definition_release(run->definition);
    free(run);
}

void run_attach(Engine *engine, Run *run)
{
    const Definition *definition = run->definition;
    if (!run->stages) {
        run->stages = memory_new(definition->node_count * sizeof *run->stages);
        for (size_t i = 0; i < definition->node_count; i++) {
            run->stages[i].record = (StageRecord){
                .node = (int)i,
                .phase = PHASE_WAITING,
                .state = STATE_WAITING,
                .blocked = definition->nodes[i].blocked,
            };
        }
    }
    for (size_t i = 0; i < definition->node_count; i++) {
        Stage *stage = &run->stages[i];
        stage->due = stage->deadline = stage->cancel_due = stage->cancel_force = TIME_NEVER;
        stage->tainted = -1;
    }
    run->due = run->deadline = TIME_NEVER;
    Sendpost *sendpost = run->sendpost;
    array_push(sendpost->runs, sendpost->run_count, sendpost->run_capacity) = run;
    map_put(engine->runs, run->record.id, run);
    timers_add(&engine->timers, run);
}

static void run_detach(Engine *engine, Run *run)
{
    Sendpost *sendpost = run->sendpost;
    size_t at = 0;
    while (at < sendpost->run_count && sendpost->runs[at] != run) {
        at++;
    }
    invariant(at < sendpost->run_count);
    for (sendpost->run_count--; at < sendpost->run_count; at++) {
        sendpost->runs[at] = sendpost->runs[at + 1];
    }
    timers_remove(&engine->timers, run);
    array_push(engine->ended, engine->ended_count, engine->ended_capacity) = run;
}

void run_admit(Turn *turn, Run *run)
{
    run->record.admitted = true;
    run->record.started_at = turn->now.wall_ms;
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        sendpost_stage_show(run, i);
    }
    if (run->record.held) {
        run_set_state(turn, run, STATE_PAUSED, REASON_NONE);
    }
    if (run->definition->timeout_ms) {
        run->deadline = turn->now.boot_ms + run->definition->timeout_ms;
    }
    turn_touch_sendpost(turn, run->sendpost);
    run_advance(turn, run);
}

static bool phase_is_undecided(Phase phase)
{
    return phase == PHASE_CREATING || phase == PHASE_SEARCHING || phase == PHASE_WATCHING || phase == PHASE_REPORTING;
}

void run_cut(Turn *turn, Run *run, Cut cut)
{
    if (run->record.cut != CUT_NONE && !(run->record.cut == CUT_RUN_TIMEOUT && cut == CUT_OPERATOR)) {
        return;
    }
    run->record.cut = cut;
    turn_touch_run(turn, run);
    if (!run->record.admitted) {
        run_finish(turn, run, STATE_CANCELLED, REASON_CANCELLED);
        return;
    }
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        const Node *node = &run->definition->nodes[i];
        /* A timeout decides on a flow run only by a reply that was asked for after it: see watching.c. */
        bool later = cut == CUT_RUN_TIMEOUT && phase_is_undecided(run->stages[i].record.phase);
        if (node_is_leaf(node) && node->when != WHEN_ALWAYS && !later) {
            stage_cut(turn, run, i, cut);
        }
    }
    run_set_state(turn, run, STATE_CANCELLING, REASON_NONE);
    run_advance(turn, run);
}

/* What has not begun still runs: it was promised, and somebody may have asked twice for the same thing. */
void run_cut_spared(Turn *turn, Run *run)
{
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        const Node *node = &run->definition->nodes[i];
        if (node_is_leaf(node) && node->when == WHEN_ALWAYS && run->stages[i].record.phase != PHASE_WAITING) {
            stage_cut(turn, run, i, CUT_OPERATOR);
        }
    }
    run_advance(turn, run);
}

/* Time stands still while an operator holds the run, or all that is left of it. */
static bool time_stands_still(const Run *run)
{
    bool blocked = false, active = false;
    for (size_t i = 0; i < run->definition->node_count; i++) {
        Phase phase = run->stages[i].record.phase;
        bool leaf = node_is_leaf(&run->definition->nodes[i]);
        blocked = blocked || (leaf && phase == PHASE_BLOCKED);
        active = active || (leaf && phase != PHASE_WAITING && phase != PHASE_BLOCKED && phase != PHASE_ENDED);
    }
    return run->record.held || (blocked && !active);
}

void run_held_clock(Turn *turn, Run *run)
{
    RunRecord *record = &run->record;
    bool still = time_stands_still(run);
    if (still && !record->held_since) {
        record->held_since = turn->now.wall_ms;
        run->left_ms = run->deadline - turn->now.boot_ms;
        turn_touch_run(turn, run);
    } else if (!still && record->held_since) {
        int64_t held_ms = turn->now.wall_ms - record->held_since;
        record->held_ms += held_ms > 0 ? held_ms : 0;
        record->held_since = 0;
        turn_touch_run(turn, run);
        run->deadline = run->definition->timeout_ms ? turn->now.boot_ms + run->left_ms : TIME_NEVER;
    }
}

static void check_timeout(Turn *turn, Run *run)
{
    if (run->record.cut == CUT_NONE && !run->record.held_since && turn->now.boot_ms >= run->deadline) {
        run_cut(turn, run, CUT_RUN_TIMEOUT);
    }
}

/* What seems to have crashed is not cancelled before it goes on. */
static bool awaits_cancel(const Stage *stage)
{
    return stage->record.phase == PHASE_WATCHING && !stage->cancel_in_flight &&
           !prefect_type_is_end(stage_attempt(stage)->prefect_type);
}

static void timer_set(Turn *turn, Run *run)
{
    int64_t due = run->record.cut == CUT_NONE && !run->record.held_since ? run->deadline : TIME_NEVER;
    for (size_t i = 0; i < run->definition->node_count; i++) {
        const Stage *stage = &run->stages[i];
        if (stage->record.phase == PHASE_ENDED) {
            continue;
        }
        int64_t times[] = {stage->due, stage->record.phase == PHASE_REPORTING ? stage->deadline : TIME_NEVER,
                           awaits_cancel(stage) ? stage->cancel_due : TIME_NEVER};
        for (size_t j = 0; j < sizeof times / sizeof *times; j++) {
            due = times[j] < due ? times[j] : due;
        }
    }
    if (due != run->due) {
        run->due = due;
        timers_moved(&turn->engine->timers, run);
    }
}

/* The stage that a timeout of the whole run is reported for: the first that it stopped. */
static Failure *timeout_failure(const Turn *turn, const Run *run)
{
    int at = 0;
    while (at < (int)run->definition->node_count && run->stages[at].record.cut != CUT_RUN_TIMEOUT) {
        at++;
    }
    Failure *failure = failure_of_stage(turn->engine, run, at < (int)run->definition->node_count ? at : 0);
    char duration[DURATION_TEXT_SIZE];
    duration_format(run->definition->timeout_ms, duration);
    free(failure->message);
    failure->message = text_format("the run took longer than its timeout of %s", duration);
    failure->reason = REASON_TIMED_OUT;
    return failure;
}

static bool was_stopped(const Run *run)
{
    for (size_t i = 0; i < run->definition->node_count; i++) {
        const StageRecord *stage = &run->stages[i].record;
        bool by_run = stage->cut == CUT_OPERATOR || stage->cut == CUT_REPLACED || stage->cut == CUT_RUN_TIMEOUT;
        if (by_run && stage->state != STATE_COMPLETED) {
            return true;
        }
    }
    return false;
}

static void finish_by_stages(Turn *turn, Run *run)
{
    Cut cut = run->record.cut;
    bool stopped = cut != CUT_NONE && was_stopped(run);
    if (stopped && cut == CUT_RUN_TIMEOUT) {
        if (!run->record.failure || run->record.failure->reason == REASON_TIMED_OUT) {
            failure_free(run->record.failure);
            run->record.failure = timeout_failure(turn, run);
        }
        run_finish(turn, run, STATE_FAILED, REASON_TIMED_OUT);
    } else if (stopped) {
        run_finish(turn, run, STATE_CANCELLED, REASON_CANCELLED);
    } else if (run->record.failure) {
        Reason reason = run->record.failure->reason;
        run_finish(turn, run, reason == REASON_CRASHED ? STATE_CRASHED : STATE_FAILED, reason);
    } else {
        run_finish(turn, run, STATE_COMPLETED, REASON_NONE);
    }
}

static bool all_ended(const Run *run)
{
    for (size_t i = 0; i < run->definition->node_count; i++) {
        if (node_is_leaf(&run->definition->nodes[i]) && run->stages[i].record.phase != PHASE_ENDED) {
            return false;
        }
    }
    return true;
}

/* Accepted is not running yet: some stage must have got beyond asking Prefect for its flow run. */
static void check_begun(Turn *turn, Run *run)
{
    for (size_t i = 0; run->record.state == STATE_SCHEDULED && i < run->definition->node_count; i++) {
        Phase phase = run->stages[i].record.phase;
        bool asking = phase == PHASE_WAITING || phase == PHASE_ASKING || phase == PHASE_RESOLVING ||
                      phase == PHASE_CREATING || phase == PHASE_SEARCHING;
        if (node_is_leaf(&run->definition->nodes[i]) && !asking && !run->stages[i].record.taken_over) {
            run_set_state(turn, run, STATE_RUNNING, REASON_NONE);
        }
    }
    if (run->record.state == STATE_SCHEDULED && all_ended(run)) { /* all of it was taken over */
        run_set_state(turn, run, STATE_RUNNING, REASON_NONE);
    }
}

void run_advance(Turn *turn, Run *run)
{
    if (run->ended) {
        return;
    }
    if (!run->record.admitted) {
        run_judge(turn, run);
        return;
    }
    check_timeout(turn, run);
    for (bool again = true; again && !run->ended;) {
        again = false;
        places_count(run);
        for (int i = 0; i < (int)run->definition->node_count; i++) {
            if (node_is_leaf(&run->definition->nodes[i])) {
                again = stage_advance(turn, run, i) || again;
            }
        }
    }
    if (run->ended) {
        return;
    }
    groups_derive(run);
    check_begun(turn, run);
    run_held_clock(turn, run);
    if (all_ended(run)) {
        finish_by_stages(turn, run);
    } else {
        timer_set(turn, run);
        engine_check_run(turn->engine, run);
    }
}

void run_finish(Turn *turn, Run *run, State state, Reason reason)
{
    if (!run->record.admitted) {
        stages_skip(turn, run);
    }
    run->record.ended_at = turn->now.wall_ms;
    run_set_state(turn, run, state, reason);
    run->record.last_event = turn->engine->last_event_id;
    account_run_end(turn, run);
    engine_check_run(turn->engine, run);
    run->ended = true;
    run_detach(turn->engine, run);
    sendpost_admit_next(turn, run->sendpost);
    sendpost_hide_if_retired(turn->engine, run->sendpost);
}
