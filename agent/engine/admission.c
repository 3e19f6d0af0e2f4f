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

/* Why a run by this definition may not begin; REFUSALS: it may. later: it need not start now, but may wait. */
static Refusal refusal_of(const Sendpost *sendpost, const Definition *definition, bool later)
{
    const Run *active = admitted_run(sendpost);
    if (!sendpost->definition->enabled) {
        return REFUSAL_DISABLED;
    }
    if (!later && active && definition->concurrency == CONCURRENCY_FORBID) {
        return REFUSAL_RUNNING;
    }
    size_t waiting = sendpost->run_count - (active ? 1 : 0);
    return waiting >= QUEUE_MAX ? REFUSAL_QUEUE_FULL : REFUSALS;
}

/* Refused by the state of the sendpost: counted, and `reply` filled with what is said about it. REPLY_ACCEPTED: it is
 * not. */
static ReplyKind refuse_by_state(Turn *turn, Sendpost *sendpost, const Definition *definition, bool later, Reply *reply)
{
    static const ReplyKind replies[REFUSALS] = {
        [REFUSAL_DISABLED] = REPLY_DISABLED,
        [REFUSAL_RUNNING] = REPLY_RUNNING,
        [REFUSAL_QUEUE_FULL] = REPLY_QUEUE_FULL,
    };
    Refusal refusal = refusal_of(sendpost, definition, later);
    if (refusal == REFUSALS) {
        return REPLY_ACCEPTED;
    }
    if (refusal == REFUSAL_RUNNING) {
        memcpy(reply->run_id, admitted_run(sendpost)->record.id, UUID_SIZE);
    }
    text_replace(&reply->detail, sendpost->name);
    account_refusal(turn, sendpost, refusal);
    return replies[refusal];
}

/* NULL: faults say why, and the refusal is counted. */
static Json *resolve_parameters(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost, ParameterFaults *faults)
{
    TemplateContext context = {
        .definition = sendpost->definition,
        .run_id = trigger->run_id,
        .trigger = trigger_names[trigger->trigger],
        .for_ms = trigger->for_at,
    };
    Json *resolved = parameters_resolve(sendpost->definition, trigger->parameters, &context, faults);
    if (!resolved) {
        account_refusal(turn, sendpost, REFUSAL_PARAMETERS);
    }
    return resolved;
}

/* parameters: taken over. */
static Run *run_new(Turn *turn, const TriggerEvent *trigger, Sendpost *sendpost, Definition *definition,
                    Json *parameters)
{
    Run *run = memory_new(sizeof *run);
    RunRecord *record = &run->record;
    memcpy(record->id, trigger->run_id, UUID_SIZE);
    record->sendpost = text_copy(sendpost->name);
    record->state = STATE_SCHEDULED;
    record->trigger = trigger->trigger;
    record->for_at = trigger->for_at;
    record->start_at = trigger->start_at > turn->now.wall_ms ? trigger->start_at : 0;
    record->created_at = turn->now.wall_ms;
    record->triggered_by = text_copy(trigger->triggered_by);
    record->trigger_reason = text_copy(trigger->reason);
    record->from = text_copy(trigger->from);
    record->held = trigger->paused;
    record->revision = text_copy(sendpost->revision);
    memcpy(record->definition_sha256, definition->sha256, DIGEST_HEX_SIZE);
    Buffer text;
    buffer_init(&text, 4 << 20);
    json_print(parameters, &text);
    record->parameters = buffer_take(&text);
    run->parameters = parameters;
    run->definition = definition_hold(definition);
    run->sendpost = sendpost;
    run_attach(turn->engine, run);
    turn_touch_run(turn, run);
    turn_event(turn, EVENT_RUN_CREATED, run, NULL, STATE_SCHEDULED, STATE_SCHEDULED, REASON_NONE);
    record->first_event = turn->engine->last_event_id;
    return run;
}

static Sendpost *defined_sendpost(const Engine *engine, const char *name)
{
    Sendpost *sendpost = map_find(engine->by_name, name);
    return sendpost && !sendpost->retired && sendpost->definition ? sendpost : NULL;
}

/* The node of a stage to begin from. *kind is a refusal when there is none of that path. */
static int begin_node(Turn *turn, Sendpost *sendpost, const Definition *definition, const char *from, Reply *reply,
                      ReplyKind *kind)
{
    int node = from ? definition_node_find(definition, from) : -1;
    if (from && node < 0) {
        *kind = REPLY_UNKNOWN_STAGE;
        text_replace(&reply->detail, from);
        account_refusal(turn, sendpost, REFUSAL_PARAMETERS);
    }
    return node;
}

static ReplyKind trigger_run(Turn *turn, const TriggerEvent *asked, Reply *reply)
{
    TriggerEvent trigger = *asked;
    Sendpost *sendpost = defined_sendpost(turn->engine, trigger.sendpost);
    if (!sendpost) {
        text_replace(&reply->detail, trigger.sendpost);
        return REPLY_UNKNOWN_SENDPOST;
    }
    Definition *definition = sendpost->definition;
    bool later = trigger.start_at > turn->now.wall_ms;
    ReplyKind kind = refuse_by_state(turn, sendpost, definition, later, reply);
    int from = kind == REPLY_ACCEPTED ? begin_node(turn, sendpost, definition, trigger.from, reply, &kind) : -1;
    if (kind != REPLY_ACCEPTED) {
        return kind;
    }
    trigger.for_at = trigger.for_at ? trigger.for_at : later ? trigger.start_at : turn->now.wall_ms;
    Json *parameters = resolve_parameters(turn, &trigger, sendpost, &reply->faults);
    if (!parameters) {
        return REPLY_PARAMETERS;
    }
    Run *run = run_new(turn, &trigger, sendpost, definition, parameters);
    memcpy(reply->run_id, run->record.id, UUID_SIZE);
    if (from >= 0) {
        start_from(turn, run, from);
    }
    run_judge(turn, run);
    return REPLY_ACCEPTED;
}

void trigger_happened(Turn *turn, const TriggerEvent *trigger)
{
    if (turn_reply_known(turn, trigger->token, trigger->keys, trigger->key_count)) {
        return;
    }
    Reply reply = {0};
    ReplyKind kind = trigger_run(turn, trigger, &reply);
    if (kind == REPLY_ACCEPTED) {
        turn_remember_keys(turn, trigger->keys, trigger->key_count, trigger->run_id);
    }
    turn_reply(turn, trigger->token, kind, &reply);
}

/* As they were, or checked again by the definition of today. NULL: faults say why not. */
static Json *retry_parameters(Turn *turn, const Run *old, TriggerEvent trigger, Sendpost *sendpost, bool current,
                              ParameterFaults *faults)
{
    const char *text = old->record.parameters;
    auto_json *parameters = json_parse(text, strlen(text), NULL);
    trigger.parameters = parameters;
    return current ? resolve_parameters(turn, &trigger, sendpost, faults) : memory_steal(&parameters);
}

static Run *retry_new(Turn *turn, const TriggerEvent *trigger, const Run *old, Sendpost *sendpost,
                      Definition *definition, Json *parameters)
{
    Run *run = run_new(turn, trigger, sendpost, definition, parameters);
    memcpy(run->record.retry_of, old->record.id, UUID_SIZE);
    if (definition == old->definition) {
        text_replace(&run->record.revision, old->record.revision);
    }
    turn_retry(turn, old->record.id, run->record.id);
    return run;
}

ReplyKind run_retry(Turn *turn, const Run *old, const VerbEvent *verb, Reply *reply)
{
    const char *retried_by = turn_retried_by(turn, &old->record);
    Sendpost *sendpost = defined_sendpost(turn->engine, old->record.sendpost);
    if (retried_by) {
        memcpy(reply->run_id, retried_by, UUID_SIZE);
        return REPLY_RETRIED;
    }
    if (!sendpost) {
        text_replace(&reply->detail, old->record.sendpost);
        return REPLY_UNKNOWN_SENDPOST;
    }
    if (!old->definition) {
        text_replace(&reply->detail, "the definition of this run can no longer be read, nor so what it has done");
        return REPLY_STATE;
    }
    Definition *definition = verb->current ? sendpost->definition : old->definition;
    ReplyKind kind = refuse_by_state(turn, sendpost, definition, false, reply);
    int from = kind == REPLY_ACCEPTED ? begin_node(turn, sendpost, definition, verb->from, reply, &kind) : -1;
    if (kind != REPLY_ACCEPTED) {
        return kind;
    }
    TriggerEvent trigger = {
        .run_id = verb->new_run_id,
        .trigger = TRIGGER_RETRY,
        .triggered_by = verb->by,
        .from = verb->from,
        .for_at = old->record.for_at,
    };
    Json *parameters = retry_parameters(turn, old, trigger, sendpost, verb->current, &reply->faults);
    if (!parameters) {
        return REPLY_PARAMETERS;
    }
    Run *run = retry_new(turn, &trigger, old, sendpost, definition, parameters);
    memcpy(reply->run_id, run->record.id, UUID_SIZE);
    retry_take_over(turn, run, old, from);
    run_judge(turn, run);
    return REPLY_ACCEPTED;
}

bool scheduled_start(Turn *turn, Sendpost *sendpost, const TriggerEvent *trigger, bool waits)
{
    if (refusal_of(sendpost, sendpost->definition, waits) != REFUSALS) {
        return false;
    }
    ParameterFaults faults = {0};
    Json *parameters = resolve_parameters(turn, trigger, sendpost, &faults);
    if (!parameters) {
        parameter_faults_release(&faults);
        return false;
    }
    Run *run = run_new(turn, trigger, sendpost, sendpost->definition, parameters);
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
    if (!run->came_due) {
        run->came_due = true;
        sendpost_changed(turn->engine, sendpost);
    }
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
