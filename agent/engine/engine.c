/* SPDX-License-Identifier: Apache-2.0 */
/* The engine from outside: making it, filling it from the journal, stepping it, looking at it. */
#include "engine/engine.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/groups.h"
#include "engine/internal.h"
#include <string.h>

Engine *engine_new(const EngineOptions *options)
{
    Engine *engine = memory_new(sizeof *engine);
    engine->namespace = text_copy(options->namespace);
    engine->ui_url = text_copy(options->ui_url);
    engine->settle_ms = options->settle_ms;
    engine->cancel_grace_ms = options->cancel_grace_ms;
    engine->started_at = options->started_at;
    engine->next_tick_at = TIME_NEVER;
    engine->by_name = map_new(options->map_seed);
    engine->runs = map_new(options->map_seed);
    watches_init(&engine->watches, options->map_seed);
    deployments_init(&engine->deployments, options->map_seed);
    return engine;
}

static void free_runs_and_sendposts(Engine *engine)
{
    const char *key;
    void *value;
    for (size_t at = 0; map_each(engine->runs, &at, &key, &value);) {
        run_free(value);
    }
    for (size_t at = 0; map_each(engine->by_name, &at, &key, &value);) {
        sendpost_free(value);
    }
}

void engine_free(Engine *engine)
{
    if (!engine) {
        return;
    }
    free_runs_and_sendposts(engine);
    for (size_t i = 0; i < engine->file_count; i++) {
        free(engine->files[i].file);
        free(engine->files[i].error);
    }
    map_free(engine->runs);
    map_free(engine->by_name);
    watches_release(&engine->watches);
    deployments_release(&engine->deployments);
    timers_release(&engine->timers);
    free(engine->files);
    free(engine->sendposts);
    free(engine->ended);
    free(engine->namespace);
    free(engine->ui_url);
    free(engine);
}

void engine_restore_totals(Engine *engine, const AgentTotals *totals, int64_t last_event_id)
{
    engine->totals = *totals;
    engine->last_event_id = last_event_id;
}

void engine_restore_sendpost(Engine *engine, const SendpostHistory *history)
{
    Sendpost *sendpost = sendpost_of(engine, history->name);
    invariant(!sendpost->former && !sendpost->last_run && !sendpost->marks);
    sendpost->totals = history->totals;
    sendpost->former = history->stages;
    sendpost->former_count = history->stage_count;
    for (size_t i = 0; i < history->stage_count; i++) {
        history->stages[i].state = history->stages[i].totals.last_state;
    }
    sendpost->marks = history->marks;
    sendpost->mark_count = history->mark_count;
    sendpost->last_run = history->last_run;
    RunRecord *last_failed = history->last_failed;
    if (last_failed && history->totals.last_failure_at > history->totals.last_success_at) {
        sendpost->last_failure = last_failed->failure ? failure_copy(last_failed->failure) : NULL;
        memcpy(sendpost->last_failure_run, last_failed->id, UUID_SIZE);
    }
    if (last_failed) {
        run_record_release(last_failed);
        free(last_failed);
    }
}

static void restore_stages(Run *run, StageRecord *stages, size_t stage_count)
{
    for (size_t i = 0; i < stage_count; i++) {
        StageRecord *stage = &run->stages[stages[i].node].record;
        *stage = stages[i];
        /* What create_flow_run answered is not kept: it is asked again. */
        stage->phase = stage->phase == PHASE_SEARCHING ? PHASE_CREATING : stage->phase;
    }
    free(stages);
}

void engine_restore_run(Engine *engine, RunRecord *record, StageRecord *stages, size_t stage_count,
                        Definition *definition)
{
    Run *run = memory_new(sizeof *run);
    run->record = *record;
    free(record);
    run->definition = definition;
    run->parameters = json_parse(run->record.parameters, strlen(run->record.parameters), NULL);
    run->sendpost = sendpost_of(engine, run->record.sendpost);
    sendpost_show(engine, run->sendpost);
    run_attach(engine, run);
    restore_stages(run, stages, stage_count);
    groups_derive(run);
}

/* Boot times from the wall times that the journal has. */
static void resume_stage(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    const Node *definition = &run->definition->nodes[node];
    if (!node_is_leaf(definition)) {
        return;
    }
    if (stage->record.phase == PHASE_WATCHING) {
        stage_watch(turn, run, node);
    } else if (stage->record.phase == PHASE_REPORTING) {
        reporting_begin(turn, run, node);
    } else if (stage->record.phase == PHASE_DELAYING) {
        stage->due =
            deadline_since(turn->now, stage->record.retry_at - definition->retry_delay_ms, definition->retry_delay_ms);
    }
}

static void resume_timeout(Run *run, Now now)
{
    const RunRecord *record = &run->record;
    if (!record->admitted || !run->definition->timeout_ms) {
        return;
    }
    Now ran_until = {record->held_since ? record->held_since : now.wall_ms, now.boot_ms};
    run->deadline = deadline_since(ran_until, record->started_at + record->held_ms, run->definition->timeout_ms);
    run->deadline = record->cut == CUT_RUN_TIMEOUT ? now.boot_ms : run->deadline;
    run->left_ms = run->deadline - now.boot_ms;
}

/* The unfinished runs as they are now: advancing one may end others. */
static Run **runs_copy(const Engine *engine)
{
    Run **runs = memory_new(engine->timers.count * sizeof *runs);
    for (size_t i = 0; i < engine->timers.count; i++) {
        runs[i] = engine->timers.heap[i];
    }
    return runs;
}

void engine_recall(Engine *engine, Now now, Actions *actions)
{
    Turn turn = {engine, now, actions};
    for (size_t i = 0; i < engine->sendpost_count; i++) {
        sendpost_recall(&turn, engine->sendposts[i]);
    }
}

void engine_resume(Engine *engine, Now now, Actions *actions)
{
    Turn turn = {engine, now, actions};
    size_t count = engine->timers.count;
    auto_free Run **runs = runs_copy(engine);
    engine->clock_offset = now.wall_ms - now.boot_ms;
    engine_recall(engine, now, actions);
    for (size_t i = 0; i < count; i++) {
        Run *run = runs[i];
        resume_timeout(run, now);
        for (int node = 0; run->record.admitted && node < (int)run->definition->node_count; node++) {
            resume_stage(&turn, run, node);
        }
    }
    for (size_t i = 0; i < count; i++) {
        run_advance(&turn, runs[i]);
    }
}

/* Somebody set the wall clock, or the machine's clocks drifted apart. */
static bool clock_was_set(const Engine *engine, Now now)
{
    int64_t moved = now.wall_ms - now.boot_ms - engine->clock_offset;
    return engine->clock_offset && (moved > CLOCK_SET_MS || moved < -CLOCK_SET_MS);
}

static void wall_time_happened(Turn *turn)
{
    if (clock_was_set(turn->engine, turn->now)) {
        planned_runs_move(turn);
        ticks_replan(turn);
    }
    turn->engine->clock_offset = turn->now.wall_ms - turn->now.boot_ms;
    ticks_happened(turn);
}

/* Everything whose time has come, once each. */
static void time_happened(Turn *turn)
{
    Engine *engine = turn->engine;
    for (size_t budget = engine->timers.count; budget > 0; budget--) {
        Run *run = timers_first(&engine->timers);
        if (!run || run->due > turn->now.boot_ms) {
            return;
        }
        run_advance(turn, run);
        invariant(run->ended || run->due > turn->now.boot_ms);
    }
}

/* Prefect answers again: what was waiting to ask again asks now. */
static void reachable_happened(Turn *turn)
{
    turn_file_event(turn, EVENT_PREFECT_REACHABLE, NULL, NULL);
    for (size_t i = 0; i < turn->engine->sendpost_count; i++) {
        if (turn->engine->sendposts[i]->definition) {
            deployments_prefetch(turn, turn->engine->sendposts[i]);
        }
    }
    size_t count = turn->engine->timers.count;
    auto_free Run **runs = runs_copy(turn->engine);
    for (size_t i = 0; i < count; i++) {
        bool woken = false;
        for (size_t node = 0; runs[i]->record.admitted && node < runs[i]->definition->node_count; node++) {
            Stage *stage = &runs[i]->stages[node];
            if (!stage->in_flight && stage->failures && stage->due != TIME_NEVER) {
                stage->due = turn->now.boot_ms;
                woken = true;
            }
        }
        if (woken) {
            run_advance(turn, runs[i]);
        }
    }
}

/* Answers about one attempt: late, repeated and strange ones find nobody who waits for them. */
static void stage_happened(Turn *turn, HappeningKind kind, const AnswerEvent *answer)
{
    static void (*const take[HAPPENINGS])(Turn *, Run *, int, const AnswerEvent *) = {
        [HAPPENED_CREATED] = created_happened,   [HAPPENED_SEARCHED] = searched_happened,
        [HAPPENED_LOOKED] = looked_happened,     [HAPPENED_CANCEL_ANSWERED] = cancel_answered,
        [HAPPENED_REPORTED] = reported_happened, [HAPPENED_RESUME_ANSWERED] = resume_answered,
        [HAPPENED_ASKED] = asked_happened,
    };
    Run *run = run_of(turn->engine, answer->run_id);
    if (!run || run->ended || answer->node < 0 || answer->node >= (int)run->definition->node_count) {
        return;
    }
    const AttemptRecord *attempt = stage_attempt(&run->stages[answer->node]);
    if (answer->attempt != (attempt ? attempt->number : 0)) {
        return;
    }
    take[kind](turn, run, answer->node, answer);
    run_advance(turn, run);
}

void engine_step(Engine *engine, const Happening *happening, Now now, Actions *actions)
{
    Turn turn = {engine, now, actions};
    switch (happening->kind) {
    case HAPPENED_TIME:
        wall_time_happened(&turn);
        break;
    case HAPPENED_LOADED:
    case HAPPENED_BROKEN:
    case HAPPENED_GONE:
        file_happened(&turn, happening);
        break;
    case HAPPENED_ZONES:
        ticks_replan(&turn);
        break;
    case HAPPENED_TRIGGER:
        trigger_happened(&turn, &happening->trigger);
        break;
    case HAPPENED_UNAVAILABLE:
        unavailable_happened(&turn, &happening->trigger);
        break;
    case HAPPENED_CANCEL:
    case HAPPENED_PAUSE:
    case HAPPENED_RESUME:
    case HAPPENED_BLOCK:
    case HAPPENED_STEP:
    case HAPPENED_RETRY:
        verb_happened(&turn, happening->kind, &happening->verb);
        break;
    case HAPPENED_RESOLVED:
        resolved_happened(&turn, &happening->answer);
        break;
    case HAPPENED_POLLED:
        polled_happened(&turn, &happening->answer);
        break;
    case HAPPENED_REACHABLE:
        reachable_happened(&turn);
        break;
    case HAPPENED_UNREACHABLE:
        turn_file_event(&turn, EVENT_PREFECT_UNREACHABLE, NULL, happening->answer.message);
        break;
    default:
        stage_happened(&turn, happening->kind, &happening->answer);
        break;
    }
    time_happened(&turn);
}

void engine_turn_end(Engine *engine)
{
    for (size_t i = 0; i < engine->ended_count; i++) {
        map_remove(engine->runs, engine->ended[i]->record.id);
        run_free(engine->ended[i]);
    }
    engine->ended_count = 0;
}

int64_t engine_deadline(const Engine *engine, Now now)
{
    if (clock_was_set(engine, now)) {
        return now.boot_ms;
    }
    const Run *first = timers_first(&engine->timers);
    int64_t due = first ? first->due : TIME_NEVER;
    bool ticks = engine->next_tick_at != TIME_NEVER;
    int64_t tick_due = ticks ? now.boot_ms + (engine->next_tick_at - now.wall_ms) : TIME_NEVER;
    return tick_due < due ? tick_due : due;
}
