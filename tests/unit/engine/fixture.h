/* SPDX-License-Identifier: Apache-2.0 */
/* One engine with one sendpost at virtual time: steps it, and looks at what it wants. */
#ifndef TESTS_ENGINE_FIXTURE_H
#define TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/engine.h"
#include <stdio.h>
#include <string.h>

#define RUN_1      "00000000-0000-7000-8000-000000000001"
#define RUN_2      "00000000-0000-7000-8000-000000000002"
#define DEPLOYMENT "00000000-0000-4000-8000-0000000000dd"
#define FLOW_RUN   "00000000-0000-4000-8000-0000000000ff"

enum { START_WALL_MS = 1795000000, SETTLE_MS = 30000, GRACE_MS = 300000 };

typedef struct Fixture {
    Engine *engine;
    Actions actions;
    Definition *definition;
    Now now;
    PrefectType type; /* of the flow run, as it was seen last, and since when */
    int64_t type_since;
} Fixture;

static inline Definition *fixture_read(const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    if (!definition) {
        print_error("%d:%d: %s\n", findings.items[0].line, findings.items[0].column, findings.items[0].message);
    }
    assert_non_null(definition);
    findings_release(&findings);
    return definition;
}

static inline void fixture_step(Fixture *fixture, const Happening *happening)
{
    actions_clear(&fixture->actions);
    engine_turn_end(fixture->engine);
    engine_step(fixture->engine, happening, fixture->now, &fixture->actions);
}

static inline void fixture_load(Fixture *fixture, const char *text)
{
    definition_release(fixture->definition);
    fixture->definition = fixture_read(text);
    fixture_step(fixture,
                 &(Happening){.kind = HAPPENED_LOADED,
                              .file = {.file = "a.yaml", .revision = "r1", .definition = fixture->definition}});
}

static inline Engine *fixture_engine(void)
{
    return engine_new(&(EngineOptions){.namespace = "test",
                                       .ui_url = "http://ui",
                                       .settle_ms = SETTLE_MS,
                                       .cancel_grace_ms = GRACE_MS,
                                       .map_seed = 1});
}

static inline void fixture_init(Fixture *fixture, const char *text)
{
    *fixture = (Fixture){.engine = fixture_engine(), .now = {(int64_t)START_WALL_MS * 1000, 1000000}};
    fixture_load(fixture, text);
}

static inline void fixture_release(Fixture *fixture)
{
    actions_release(&fixture->actions);
    engine_free(fixture->engine);
    definition_release(fixture->definition);
}

static inline void fixture_pass(Fixture *fixture, int64_t ms)
{
    fixture->now.wall_ms += ms;
    fixture->now.boot_ms += ms;
    fixture_step(fixture, &(Happening){.kind = HAPPENED_TIME});
}

static inline const Reply *fixture_trigger(Fixture *fixture, TriggerEvent trigger)
{
    trigger.sendpost = trigger.sendpost ? trigger.sendpost : fixture->definition->name;
    trigger.run_id = trigger.run_id ? trigger.run_id : RUN_1;
    fixture_step(fixture, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = trigger});
    assert_int_equal(fixture->actions.reply_count, 1);
    return &fixture->actions.replies[0];
}

static inline const Reply *fixture_verb(Fixture *fixture, HappeningKind kind, const char *stage)
{
    fixture_step(fixture, &(Happening){.kind = kind, .verb = {.token = 9, .run_id = RUN_1, .stage = stage}});
    assert_int_equal(fixture->actions.reply_count, 1);
    return &fixture->actions.replies[0];
}

/* The only request of this kind in the last step, or NULL. */
static inline const Request *fixture_request(const Fixture *fixture, RequestKind kind)
{
    const Request *found = NULL;
    for (size_t i = 0; i < fixture->actions.request_count; i++) {
        if (fixture->actions.requests[i].kind == kind) {
            assert_null(found);
            found = &fixture->actions.requests[i];
        }
    }
    return found;
}

static inline void fixture_answer(Fixture *fixture, HappeningKind kind, AnswerEvent answer)
{
    answer.run_id = answer.run_id ? answer.run_id : RUN_1;
    answer.asked_boot_ms = answer.asked_boot_ms ? answer.asked_boot_ms : fixture->now.boot_ms;
    fixture_step(fixture, &(Happening){.kind = kind, .answer = answer});
}

static inline void fixture_resolve(Fixture *fixture, const char *reference)
{
    fixture_answer(fixture, HAPPENED_RESOLVED,
                   (AnswerEvent){.reference = reference, .deployment_id = DEPLOYMENT, .deployment_name = reference});
}

static inline FlowRun fixture_flow_run(const Fixture *fixture, PrefectType type)
{
    bool started = type >= PREFECT_RUNNING;
    return (FlowRun){.id = (char *)(uintptr_t)FLOW_RUN,
                     .name = (char *)(uintptr_t) "gentle-fox",
                     .deployment_id = (char *)(uintptr_t)DEPLOYMENT,
                     .type = type,
                     .state_message = (char *)(uintptr_t) "said so",
                     .state_timestamp = fixture->now.wall_ms,
                     .created_at = fixture->now.wall_ms,
                     .started_at = started ? fixture->now.wall_ms : 0,
                     .ended_at = prefect_type_is_end(type) ? fixture->now.wall_ms : 0};
}

static inline void fixture_created(Fixture *fixture, int node, int attempt)
{
    FlowRun flow_run = fixture_flow_run(fixture, PREFECT_SCHEDULED);
    fixture_answer(
        fixture, HAPPENED_CREATED,
        (AnswerEvent){.node = node, .attempt = attempt, .flow_runs = &flow_run, .flow_run_count = 1, .status = 201});
}

static inline void fixture_seen(Fixture *fixture, PrefectType type)
{
    FlowRun flow_run = fixture_flow_run(fixture, type);
    fixture->type_since = type == fixture->type ? fixture->type_since : fixture->now.wall_ms;
    fixture->type = type;
    flow_run.state_timestamp = fixture->type_since;
    fixture_answer(fixture, HAPPENED_POLLED, (AnswerEvent){.flow_runs = &flow_run, .flow_run_count = 1});
}

static inline void fixture_absent(Fixture *fixture)
{
    const char *ids[] = {FLOW_RUN};
    fixture_answer(fixture, HAPPENED_POLLED, (AnswerEvent){.absent = ids, .absent_count = 1});
}

static inline const Run *fixture_run(const Fixture *fixture)
{
    const Run *run = engine_run_find(fixture->engine, RUN_1);
    assert_non_null(run);
    return run;
}

/* The process ends, and another one goes on with RUN_1 from what the journal has of it: on a machine that was started
 * anew, `down_ms` later. */
static inline void fixture_restart(Fixture *fixture, int64_t down_ms)
{
    Run *old = (Run *)(uintptr_t)engine_run_find(fixture->engine, RUN_1);
    RunRecord *record = memory_new(sizeof *record);
    memcpy(record, &old->record, sizeof *record);
    memset(&old->record, 0, sizeof old->record);
    StageRecord *stages = memory_new(old->definition->node_count * sizeof *stages);
    for (size_t i = 0; i < old->definition->node_count; i++) {
        stages[i] = old->stages[i].record;
        old->stages[i].record = (StageRecord){0};
    }
    Definition *definition = definition_hold(old->definition);
    actions_clear(&fixture->actions);
    engine_free(fixture->engine);
    fixture->now.wall_ms += down_ms;
    fixture->now.boot_ms = 5000;
    fixture->engine = fixture_engine();
    engine_restore_run(fixture->engine, record, stages, definition->node_count, definition);
    engine_resume(fixture->engine, fixture->now, &fixture->actions);
}

/* Without an answer, as everything of Prefect's that is not known. */
static inline void fixture_unknown(Fixture *fixture, HappeningKind kind, int attempt)
{
    fixture_answer(fixture, kind, (AnswerEvent){.attempt = attempt, .outcome = OUTCOME_UNKNOWN});
}

static inline void fixture_cancel_answered(Fixture *fixture, PrefectType type)
{
    fixture_answer(fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .type = type});
}

/* Triggered, and the first stage's flow run is known. */
static inline void fixture_start(Fixture *fixture)
{
    assert_int_equal(fixture_trigger(fixture, (TriggerEvent){.token = 1})->kind, REPLY_ACCEPTED);
    fixture_resolve(fixture, fixture->definition->nodes[0].deployment);
    assert_non_null(fixture_request(fixture, REQUEST_CREATE));
    fixture_created(fixture, 0, 1);
}

#endif
