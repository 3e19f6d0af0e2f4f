/* SPDX-License-Identifier: Apache-2.0 */
/* One engine with a schedule at noon: what its steps say of ticks, restarts, other definitions. */
#ifndef TESTS_ENGINE_TICKS_H
#define TESTS_ENGINE_TICKS_H

#include "fixture.h"

#define STAGE  "stages:\n- {name: a, run: f/a}\n"
#define HOURLY "schedule: {cron: '0 * * * *'}\n"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };
static const int64_t noon = 1795003200000; /* 2026-11-18T12:00:00Z */

static inline void begin(Fixture *fixture, const char *text)
{
    *fixture = (Fixture){.engine = fixture_engine(), .now = {noon, 1000000}};
    fixture_load(fixture, text);
}

static inline const Sendpost *sendpost_of(const Fixture *fixture)
{
    return engine_sendpost_find(fixture->engine, fixture->definition->name);
}

/* The verdicts of the last step, in order. */
static inline void assert_ticks(const Fixture *fixture, size_t count, const Verdict *verdicts, const int64_t *at)
{
    const Changes *changes = &fixture->actions.changes;
    assert_int_equal(changes->tick_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(changes->ticks[i].verdict, verdicts[i]);
        assert_int_equal(changes->ticks[i].at, at[i]);
        bool started = verdicts[i] == VERDICT_STARTED || verdicts[i] == VERDICT_CAUGHT_UP;
        assert_int_equal(changes->ticks[i].run_id[0] != '\0', started);
    }
}

static inline void assert_tick(const Fixture *fixture, Verdict verdict, int64_t at)
{
    assert_ticks(fixture, 1, &verdict, &at);
}

/* A run's first stage is refused by Prefect, and the run ends. */
static inline void end_active(Fixture *fixture)
{
    fixture_answer(fixture, HAPPENED_RESOLVED,
                   (AnswerEvent){.reference = "f/a", .outcome = OUTCOME_NOT_FOUND, .status = 404});
}

/* What the journal would have. */
static inline SendpostHistory history_of(const Fixture *fixture)
{
    const Sendpost *sendpost = sendpost_of(fixture);
    size_t size = sendpost->mark_count * sizeof *sendpost->marks;
    return (SendpostHistory){.name = "one",
                             .totals = sendpost->totals,
                             .marks = memcpy(memory_new(size), sendpost->marks, size),
                             .mark_count = sendpost->mark_count};
}

/* Another process, later. */
static inline void restart_after(Fixture *fixture, int64_t ms)
{
    SendpostHistory history = history_of(fixture);
    fixture->now.wall_ms += ms;
    Engine *engine = engine_new(&(EngineOptions){.namespace = "test", .started_at = fixture->now.wall_ms});
    engine_restore_sendpost(engine, &history);
    actions_clear(&fixture->actions);
    engine_free(fixture->engine);
    fixture->engine = engine;
}

static inline void reload(Fixture *fixture, const char *text)
{
    fixture_load(fixture, text);
    fixture_pass(fixture, 0);
}

#endif
