/* SPDX-License-Identifier: Apache-2.0 */
/* A flow run that is known: followed by polls until it ends, cancelled when its stage is cut. Away is not failed:
 * nothing here is decided but by a reply, and what a deadline decides only by a reply to a question asked after it. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"

static const State shown_states[PREFECT_TYPES] = {
    [PREFECT_SCHEDULED] = STATE_SCHEDULED, [PREFECT_PENDING] = STATE_PENDING,       [PREFECT_RUNNING] = STATE_RUNNING,
    [PREFECT_PAUSED] = STATE_PAUSED,       [PREFECT_CANCELLING] = STATE_CANCELLING,
};

static bool observed(const Run *run, int node)
{
    return run->definition->nodes[node].kind == NODE_OBSERVE;
}

static int64_t attempt_deadline(const Turn *turn, const Run *run, int node)
{
    const AttemptRecord *attempt = stage_attempt(&run->stages[node]);
    int64_t timeout_ms = run->definition->nodes[node].timeout_ms;
    if (!timeout_ms || observed(run, node)) {
        return TIME_NEVER;
    }
    /* Prefect's clock may differ from ours: its `created` cannot be before our intent. */
    int64_t created_at = attempt->created_at > attempt->intent_at ? attempt->created_at : attempt->intent_at;
    return deadline_since(turn->now, created_at, timeout_ms);
}

void stage_watch(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    watches_add(&turn->engine->watches, attempt->flow_run_id, run, node);
    turn->engine->eager = true;
    stage->absences = 0;
    stage->cancel_in_flight = false;
    stage->cancel_force = attempt->cancel_sent_at
                              ? deadline_since(turn->now, attempt->cancel_sent_at, turn->engine->cancel_grace_ms)
                              : TIME_NEVER;
    stage->cancel_due = stage->record.cut != CUT_NONE ? turn->now.boot_ms : stage->cancel_force;
    stage->deadline = attempt->crash_seen_at
                          ? deadline_since(turn->now, attempt->crash_seen_at, turn->engine->settle_ms)
                          : attempt_deadline(turn, run, node);
}

static void unwatch(Turn *turn, Run *run, int node)
{
    watches_remove(&turn->engine->watches, stage_attempt(&run->stages[node])->flow_run_id, run, node);
}

void attempt_see(AttemptRecord *attempt, const FlowRun *flow_run)
{
    bool same = attempt->prefect_type == flow_run->type && attempt->prefect_timestamp == flow_run->state_timestamp &&
                text_equal(attempt->prefect_name, flow_run->state_name) &&
                text_equal(attempt->prefect_message, flow_run->state_message) && attempt->created_at &&
                attempt->started_at == flow_run->started_at && attempt->ended_at == flow_run->ended_at;
    if (same) {
        return;
    }
    attempt->prefect_type = flow_run->type;
    attempt->prefect_timestamp = flow_run->state_timestamp;
    text_replace(&attempt->prefect_name, flow_run->state_name);
    text_replace(&attempt->prefect_message, flow_run->state_message);
    attempt->created_at = flow_run->created_at ? flow_run->created_at : attempt->intent_at;
    attempt->started_at = flow_run->started_at;
    attempt->ended_at = flow_run->ended_at;
    attempt->dirty = true;
}

/* A later crash than the one that was seen is another one: it went on in between. */
static void crash_window(Turn *turn, Run *run, int node, int64_t timestamp_before)
{
    Stage *stage = &run->stages[node];
    AttemptRecord *attempt = stage_attempt(stage);
    bool another = attempt->prefect_timestamp != timestamp_before;
    if (attempt->prefect_type == PREFECT_CRASHED && (!attempt->crash_seen_at || another)) {
        attempt->crash_seen_at = turn->now.wall_ms;
        attempt->dirty = true;
        stage->deadline = turn->now.boot_ms + turn->engine->settle_ms;
    } else if (attempt->prefect_type != PREFECT_CRASHED && attempt->crash_seen_at) {
        attempt->crash_seen_at = 0;
        attempt->dirty = true;
        stage->deadline = attempt_deadline(turn, run, node);
    }
}

/* The grace runs from when Prefect knows of the cancellation, whoever asked for it; not while it is away. False: it
 * runs already. */
static bool grace_begin(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    AttemptRecord *attempt = stage_attempt(stage);
    if (attempt->cancel_sent_at) {
        return false;
    }
    attempt->cancel_sent_at = turn->now.wall_ms;
    attempt->dirty = true;
    stage->cancel_force = turn->now.boot_ms + turn->engine->cancel_grace_ms;
    stage_touch(turn, run, node);
    return true;
}

/* A cancellation by somebody else is forced after the same grace. One that did not last is asked for again if it was
 * ours. */
static void cancelling_seen(Turn *turn, Run *run, int node, PrefectType before)
{
    Stage *stage = &run->stages[node];
    AttemptRecord *attempt = stage_attempt(stage);
    bool cut = stage->record.cut != CUT_NONE;
    bool goes_on = (before == PREFECT_CANCELLING || before == PREFECT_CRASHED) &&
                   attempt->prefect_type < PREFECT_CANCELLING && attempt->cancel_sent_at;
    if (observed(run, node)) {
        return;
    }
    if (attempt->prefect_type == PREFECT_CANCELLING && grace_begin(turn, run, node) && !cut) {
        stage->cancel_due = stage->cancel_force;
    } else if (goes_on && cut) {
        stage->cancel_due = turn->now.boot_ms;
    } else if (goes_on) {
        attempt->cancel_sent_at = 0;
        stage->cancel_due = stage->cancel_force = TIME_NEVER;
    }
}

/* An attempt that ended before it began, such as a crash of the infrastructure, has no start. */
static bool is_first_start(const StageRecord *stage)
{
    for (size_t i = 0; i + 1 < stage->attempt_count; i++) {
        if (stage->attempts[i].started_at) {
            return false;
        }
    }
    return true;
}

void flow_run_seen(Turn *turn, Run *run, int node, const FlowRun *flow_run, int64_t asked_boot_ms)
{
    Stage *stage = &run->stages[node];
    AttemptRecord *attempt = stage_attempt(stage);
    invariant(stage->record.phase == PHASE_WATCHING && text_equal(attempt->flow_run_id, flow_run->id));
    PrefectType before = attempt->prefect_type;
    int64_t timestamp_before = attempt->prefect_timestamp;
    bool first = !attempt->created_at;
    attempt_see(attempt, flow_run);
    stage->absences = 0;
    stage->last_seen = asked_boot_ms;
    if (first && !attempt->crash_seen_at) {
        stage->deadline = attempt_deadline(turn, run, node);
    }
    crash_window(turn, run, node, timestamp_before);
    cancelling_seen(turn, run, node, before);
    if (attempt->started_at && is_first_start(&stage->record)) {
        stage->record.started_at = attempt->started_at;
    }
    if (attempt->started_at) {
        account_first_running(turn, run, attempt->started_at);
    }
    if (!prefect_type_is_end(flow_run->type)) {
        attempt->state = shown_states[flow_run->type];
        stage_set_state(turn, run, node, attempt->state, REASON_NONE);
    }
    if (before != flow_run->type) {
        turn->engine->eager = true;
    }
    if (attempt->dirty) {
        stage_touch(turn, run, node);
    }
}

/* The end of an attempt by its flow run: another one, or the end of the stage. */
static void attempt_failed(Turn *turn, Run *run, int node, State state, Reason reason, const char *message)
{
    Stage *stage = &run->stages[node];
    const Node *definition = &run->definition->nodes[node];
    AttemptRecord *attempt = stage_attempt(stage);
    attempt_finish(turn, run, node, state, reason, message);
    bool again = reason == REASON_FAILED || reason == REASON_CRASHED || reason == REASON_TIMED_OUT;
    if (!again) {
        stage_finish(turn, run, node, state, reason, message);
    } else if (!stage_is_stopped(run, node) && attempt->number <= definition->retries) {
        stage->record.cut = CUT_NONE;
        stage->record.retry_at = turn->now.wall_ms + definition->retry_delay_ms;
        stage_set_state(turn, run, node, STATE_SCHEDULED, REASON_NONE);
        stage_set_phase(turn, run, node, PHASE_DELAYING);
        stage->due = turn->now.boot_ms + definition->retry_delay_ms;
        SendpostStage *shown = sendpost_stage_of(run->sendpost, run, node);
        if (shown) {
            shown->totals.retries++;
            shown->dirty = true;
            turn_touch_sendpost(turn, run->sendpost);
        }
    } else {
        attempt->end_seen_at = turn->now.wall_ms;
        reporting_begin(turn, run, node);
    }
}

/* The settle window of a crash, else the timeout of the attempt. */
static bool deadline_is_over(const Turn *turn, const Stage *stage)
{
    return turn->now.boot_ms >= stage->deadline && stage->last_seen >= stage->deadline;
}

static void flow_run_ended(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    PrefectType type = attempt->prefect_type;
    unwatch(turn, run, node);
    auto_free char *message = text_copy(attempt->prefect_message);
    if (type == PREFECT_COMPLETED) {
        attempt_finish(turn, run, node, STATE_COMPLETED, REASON_NONE, NULL);
        stage_finish(turn, run, node, STATE_COMPLETED, REASON_NONE, NULL);
    } else if (observed(run, node)) {
        observed_ended_badly(turn, run, node);
    } else if (stage->record.cut == CUT_STAGE_TIMEOUT) {
        attempt_failed(turn, run, node, STATE_FAILED, REASON_TIMED_OUT, "took longer than its timeout");
    } else if (type == PREFECT_CANCELLED && stage->record.cut != CUT_NONE) {
        stage_finish_cut(turn, run, node);
    } else if (type == PREFECT_CANCELLED) {
        attempt_failed(turn, run, node, STATE_CANCELLED, REASON_CANCELLED, message ? message : "cancelled in Prefect");
    } else if (type == PREFECT_CRASHED) {
        attempt_failed(turn, run, node, STATE_CRASHED, REASON_CRASHED, message);
    } else {
        attempt_failed(turn, run, node, STATE_FAILED, REASON_FAILED, message);
    }
}

static void cancel_send(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    stage->cancel_in_flight = true;
    stage->cancel_due = TIME_NEVER;
    Request *request = turn_request(turn, REQUEST_CANCEL, run, node);
    request->flow_run_id = stage_attempt(stage)->flow_run_id;
    request->force = turn->now.boot_ms >= stage->cancel_force;
}

/* Cut: our own flow run is cancelled and followed to its end; somebody else's is left alone. */
static bool cut_lets_go(Turn *turn, Run *run, int node)
{
    const Stage *stage = &run->stages[node];
    bool left = stage->record.cut == CUT_STAGE_TIMEOUT && run->definition->nodes[node].leave_on_timeout;
    if (observed(run, node)) {
        unwatch(turn, run, node);
        stage_finish_cut(turn, run, node);
        return true;
    }
    if (left) {
        unwatch(turn, run, node);
        attempt_failed(turn, run, node, STATE_FAILED, REASON_TIMED_OUT, "took longer than its timeout; left running");
        return true;
    }
    return false;
}

/* A flow run that a run's timeout finds active: cut it, if it was active after the timeout. */
static void run_timeout_reaches(Turn *turn, Run *run, int node)
{
    const Stage *stage = &run->stages[node];
    bool spared = run->definition->nodes[node].when == WHEN_ALWAYS;
    if (run->record.cut == CUT_RUN_TIMEOUT && !spared && stage->last_seen >= run->deadline) {
        stage_cut(turn, run, node, CUT_RUN_TIMEOUT);
    }
}

bool watching_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const AttemptRecord *attempt = stage_attempt(stage);
    PrefectType type = attempt->prefect_type;
    bool crashed = type == PREFECT_CRASHED;
    if (stage->absences >= ABSENCES_UNTIL_LOST) {
        unwatch(turn, run, node);
        if (observed(run, node)) {
            observed_ended_badly(turn, run, node);
        } else if (stage->record.cut != CUT_NONE) {
            stage_finish_cut(turn, run, node);
        } else {
            attempt_failed(turn, run, node, STATE_FAILED, REASON_LOST, "the flow run was deleted in Prefect");
        }
        return true;
    }
    if (prefect_type_is_end(type) && !(crashed && !deadline_is_over(turn, stage))) {
        flow_run_ended(turn, run, node);
        return true;
    }
    if (!crashed) {
        run_timeout_reaches(turn, run, node);
        if (stage->record.cut == CUT_NONE && deadline_is_over(turn, stage)) {
            stage_cut(turn, run, node, CUT_STAGE_TIMEOUT);
        }
    }
    if (stage->record.cut != CUT_NONE && cut_lets_go(turn, run, node)) {
        return true;
    }
    /* Also when it is about to be believed, a crashed flow run may go on: then it is cancelled. */
    if (!crashed && !observed(run, node) && !stage->cancel_in_flight && turn->now.boot_ms >= stage->cancel_due) {
        cancel_send(turn, run, node);
    }
    resuming_advance(turn, run, node);
    return false;
}

/* A reply that comes twice misses it only once; one that is older than what is known says nothing. */
static void flow_run_missed(Turn *turn, Stage *stage, int64_t asked_boot_ms)
{
    if (asked_boot_ms >= stage->last_seen && (!stage->absences || asked_boot_ms > stage->missed)) {
        stage->absences++;
        stage->missed = asked_boot_ms;
        turn->engine->eager = true;
    }
}

/* Who watches the flow runs of an answer, and which of them it is about: taken before any run advances, as that may end
 * its watching. */
typedef struct Sighting {
    Watcher watcher;
    const FlowRun *flow_run; /* NULL: absent */
} Sighting;

static Sighting *sightings_of(const Engine *engine, const AnswerEvent *answer, size_t *count)
{
    Sighting *sightings = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < answer->flow_run_count + answer->absent_count; i++) {
        const FlowRun *flow_run = i < answer->flow_run_count ? &answer->flow_runs[i] : NULL;
        const char *id = flow_run ? flow_run->id : answer->absent[i - answer->flow_run_count];
        const Watch *watch = watches_find(&engine->watches, id);
        for (size_t j = 0; watch && j < watch->count; j++) {
            array_push(sightings, *count, capacity) = (Sighting){watch->watchers[j], flow_run};
        }
    }
    return sightings;
}

/* All is seen before any run advances: a run of many flow runs advances once for all that stand side by side. */
void polled_happened(Turn *turn, const AnswerEvent *answer)
{
    size_t count = 0;
    auto_free Sighting *sightings = sightings_of(turn->engine, answer, &count);
    for (size_t i = 0; i < count; i++) {
        Run *run = sightings[i].watcher.run;
        int node = sightings[i].watcher.node;
        run->seen = true;
        if (!sightings[i].flow_run) {
            flow_run_missed(turn, &run->stages[node], answer->asked_boot_ms);
        } else if (answer->asked_boot_ms >= run->stages[node].last_seen) {
            flow_run_seen(turn, run, node, sightings[i].flow_run, answer->asked_boot_ms);
        }
    }
    for (size_t i = 0; i < count; i++) {
        Run *run = sightings[i].watcher.run;
        if (run->seen) {
            run->seen = false;
            run_advance(turn, run);
        }
    }
}

void cancel_answered(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_WATCHING || !stage->cancel_in_flight) {
        return;
    }
    stage->cancel_in_flight = false;
    turn->engine->eager = true;
    int64_t again = turn->now.boot_ms + CANCEL_AGAIN_MS;
    if (stage->record.cut == CUT_NONE && stage_attempt(stage)->prefect_type != PREFECT_CANCELLING) {
        return; /* somebody else's cancellation, which did not last */
    }
    if (answer->outcome == OUTCOME_UNKNOWN) {
        stage->failures++;
        stage->cancel_due = turn->now.boot_ms + back_off_ms(stage->failures);
        return;
    }
    stage->failures = 0;
    if (answer->outcome != OUTCOME_OK ||
        !prefect_type_is_end(answer->type)) { /* what has crashed is not being cancelled */
        grace_begin(turn, run, node);
    }
    if (answer->outcome == OUTCOME_OK && answer->type == PREFECT_CANCELLING) {
        again = stage->cancel_force > turn->now.boot_ms ? stage->cancel_force : again;
    } else if (answer->outcome == OUTCOME_OK && answer->type == PREFECT_PAUSED) {
        stage->cancel_force = again = turn->now.boot_ms; /* a paused one cannot be asked: set it CANCELLED */
    }
    stage->cancel_due = again;
}
