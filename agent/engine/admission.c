/* SPDX-License-Identifier: Apache-2.0 */
/* From a trigger to a run that may start: what was asked before, what is wrong with it, what runs already. At most one
 * run of a sendpost is admitted at a time; the others are planned (their start lies ahead) or queued. */
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

static const Run *admitted_run(const Sendpost *sendpost)
{
    for (size_t i = sendpost->run_count; i-- > 0;) {
        if (sendpost->runs[i]->record.admitted) {
            return sendpost->runs[i];
        }
    }
    return NULL;
}

static bool is_planned(const Run *run, Now now)
{
    return !run->came_due && run->record.start_at > now.wall_ms;
}

static bool refuse(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost, ReplyKind kind, Refusal refusal,
                   const char *run_id)
{
    turn_reply(turn, trigger->token, kind, run_id);
    account_refusal(turn, sendpost, refusal);
    return true;
}

/* Why a run may not begin; REFUSALS: it may. later: it need not start now, but may wait. */
static Refusal refusal_of(const Sendpost *sendpost, bool later)
{
    const Definition *definition = sendpost->definition;
    const Run *active = admitted_run(sendpost);
    if (!definition->enabled) {
        return REFUSAL_DISABLED;
    }
    if (!later && active && definition->concurrency == CONCURRENCY_FORBID) {
        return REFUSAL_RUNNING;
    }
    size_t waiting = sendpost->run_count - (active ? 1 : 0);
    return waiting >= QUEUE_MAX ? REFUSAL_QUEUE_FULL : REFUSALS;
}

static bool refuse_by_state(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost)
{
    static const ReplyKind replies[REFUSALS] = {
        [REFUSAL_DISABLED] = REPLY_DISABLED,
        [REFUSAL_RUNNING] = REPLY_RUNNING,
        [REFUSAL_QUEUE_FULL] = REPLY_QUEUE_FULL,
    };
    Refusal refusal = refusal_of(sendpost, trigger->start_at > turn->now.wall_ms);
    const Run *active = refusal == REFUSAL_RUNNING ? admitted_run(sendpost) : NULL;
    return refusal != REFUSALS &&
           refuse(turn, trigger, sendpost, replies[refusal], refusal, active ? active->record.id : NULL);
}

/* NULL: faults say why, and the refusal is counted. */
static Json *resolve_parameters(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost, int64_t for_at,
                                ParameterFaults *faults)
{
    TemplateContext context = {
        .definition = sendpost->definition,
        .run_id = trigger->run_id,
        .trigger = trigger_names[trigger->trigger],
        .for_ms = for_at,
    };
    Json *resolved = parameters_resolve(sendpost->definition, trigger->parameters, &context, faults);
    if (!resolved) {
        account_refusal(turn, sendpost, REFUSAL_PARAMETERS);
    }
    return resolved;
}

static bool needs_one_of(const Node *leaf, const bool *marks)
{
    for (size_t i = 0; i < leaf->needs_count; i++) {
        if (marks[leaf->needs[i]]) {
            return true;
        }
    }
    return false;
}

/* Marks `from` and what comes after it. What comes after mostly stands after, so that two rounds do. */
static void mark_from(const Definition *definition, int from, bool *marks)
{
    for (int i = from; i < definition->nodes[from].end; i++) {
        marks[i] = true;
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < definition->node_count; i++) {
            if (!marks[i] && needs_one_of(&definition->nodes[i], marks)) {
                marks[i] = again = true;
            }
        }
    }
}

/* `from`: what does not come after that stage is taken as done. */
static void start_from(Turn *turn, Run *run, int from)
{
    auto_free bool *marks = memory_new(run->definition->node_count);
    mark_from(run->definition, from, marks);
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        if (node_is_leaf(&run->definition->nodes[i]) && !marks[i]) {
            run->stages[i].record.taken_over = true;
            stage_set_state(turn, run, i, STATE_SKIPPED, REASON_NONE);
            stage_set_phase(turn, run, i, PHASE_ENDED);
        }
    }
}

static Run *run_new(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost, Json *parameters, int64_t for_at)
{
    Run *run = memory_new(sizeof *run);
    RunRecord *record = &run->record;
    memcpy(record->id, trigger->run_id, UUID_SIZE);
    record->sendpost = text_copy(sendpost->name);
    record->state = STATE_SCHEDULED;
    record->trigger = trigger->trigger;
    record->for_at = for_at;
    record->start_at = trigger->start_at > turn->now.wall_ms ? trigger->start_at : 0;
    record->created_at = turn->now.wall_ms;
    record->triggered_by = text_copy(trigger->triggered_by);
    record->trigger_reason = text_copy(trigger->reason);
    record->from = text_copy(trigger->from);
    record->held = trigger->paused;
    record->revision = text_copy(sendpost->revision);
    memcpy(record->definition_sha256, sendpost->definition->sha256, DIGEST_HEX_SIZE);
    Buffer text;
    buffer_init(&text, 4 << 20);
    json_print(parameters, &text);
    record->parameters = buffer_take(&text);
    run->parameters = parameters;
    run->definition = definition_hold(sendpost->definition);
    run->sendpost = sendpost;
    run_attach(turn->engine, run);
    turn_touch_run(turn, run);
    turn_event(turn, EVENT_RUN_CREATED, run, NULL, STATE_SCHEDULED, STATE_SCHEDULED, REASON_NONE);
    return run;
}

void trigger_happened(Turn *turn, const TriggerEvent *trigger)
{
    if (turn_reply_known(turn, trigger->token, trigger->keys, trigger->key_count)) {
        return;
    }
    Sendpost *sendpost = map_find(turn->engine->by_name, trigger->sendpost);
    if (!sendpost || sendpost->retired || !sendpost->definition) {
        turn_reply(turn, trigger->token, REPLY_UNKNOWN_SENDPOST, NULL);
        return;
    }
    if (refuse_by_state(turn, trigger, sendpost)) {
        return;
    }
    int from = trigger->from ? definition_node_find(sendpost->definition, trigger->from) : 0;
    if (from < 0) {
        turn_reply(turn, trigger->token, REPLY_UNKNOWN_STAGE, NULL)->detail = text_copy(trigger->from);
        account_refusal(turn, sendpost, REFUSAL_PARAMETERS);
        return;
    }
    int64_t start_at = trigger->start_at > turn->now.wall_ms ? trigger->start_at : turn->now.wall_ms;
    int64_t for_at = trigger->for_at ? trigger->for_at : start_at;
    ParameterFaults faults = {0};
    Json *parameters = resolve_parameters(turn, trigger, sendpost, for_at, &faults);
    if (!parameters) {
        turn_reply(turn, trigger->token, REPLY_PARAMETERS, NULL)->faults = faults;
        return;
    }
    Run *run = run_new(turn, trigger, sendpost, parameters, for_at);
    turn_remember_keys(turn, trigger->keys, trigger->key_count, trigger->run_id);
    turn_reply(turn, trigger->token, REPLY_ACCEPTED, run->record.id);
    if (trigger->from) {
        start_from(turn, run, from);
    }
    run_judge(turn, run);
}

bool scheduled_start(Turn *turn, Sendpost *sendpost, const TriggerEvent *trigger, bool waits)
{
    if (refusal_of(sendpost, waits) != REFUSALS) {
        return false;
    }
    ParameterFaults faults = {0};
    Json *parameters = resolve_parameters(turn, trigger, sendpost, trigger->for_at, &faults);
    if (!parameters) {
        parameter_faults_release(&faults);
        return false;
    }
    Run *run = run_new(turn, trigger, sendpost, parameters, trigger->for_at);
    run->record.waits = waits;
    run_judge(turn, run);
    return true;
}

void unavailable_happened(Turn *turn, const TriggerEvent *trigger)
{
    Sendpost *sendpost = map_find(turn->engine->by_name, trigger->sendpost);
    if (sendpost && !sendpost->retired) {
        account_refusal(turn, sendpost, REFUSAL_UNAVAILABLE);
    }
}

static void cut_for_newer(Turn *turn, Sendpost *sendpost, const Run *newer)
{
    for (size_t i = sendpost->run_count; i-- > 0;) {
        Run *older = sendpost->runs[i];
        bool planned = !older->record.admitted && is_planned(older, turn->now);
        if (older != newer && !planned && !older->ended && older->record.cut == CUT_NONE) {
            run_cut(turn, older, CUT_REPLACED);
        }
    }
}

/* A planned start is a wall time. */
static void plan_start(Turn *turn, Run *run)
{
    run->due = turn->now.boot_ms + (run->record.start_at - turn->now.wall_ms);
    timers_moved(&turn->engine->timers, run);
}

void planned_runs_move(Turn *turn)
{
    for (size_t i = 0; i < turn->engine->sendpost_count; i++) {
        Sendpost *sendpost = turn->engine->sendposts[i];
        for (size_t j = 0; j < sendpost->run_count; j++) {
            Run *run = sendpost->runs[j];
            if (!run->record.admitted && !run->came_due && run->record.start_at) {
                plan_start(turn, run);
            }
        }
    }
}

void run_judge(Turn *turn, Run *run)
{
    Sendpost *sendpost = run->sendpost;
    invariant(!run->record.admitted && !run->ended);
    if (is_planned(run, turn->now)) {
        plan_start(turn, run);
        return;
    }
    run->came_due = true;
    run->due = TIME_NEVER;
    timers_moved(&turn->engine->timers, run);
    const Run *active = admitted_run(sendpost);
    Concurrency concurrency = run->record.waits ? CONCURRENCY_QUEUE : run->definition->concurrency;
    if (active && concurrency == CONCURRENCY_FORBID) {
        account_refusal(turn, sendpost, REFUSAL_RUNNING);
        run_finish(turn, run, STATE_SKIPPED, REASON_NONE);
        return;
    }
    if (concurrency == CONCURRENCY_REPLACE) {
        cut_for_newer(turn, sendpost, run);
    }
    if (!run->ended && !run->record.admitted) {
        sendpost_admit_next(turn, sendpost);
    }
}

void sendpost_admit_next(Turn *turn, Sendpost *sendpost)
{
    if (admitted_run(sendpost)) {
        return;
    }
    for (size_t i = 0; i < sendpost->run_count; i++) {
        Run *run = sendpost->runs[i];
        if (run->came_due) {
            run_admit(turn, run);
            return;
        }
    }
}
