/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define STAGE "stages:\n- {name: a, run: f/a}\n"
#define RUN_3 "00000000-0000-7000-8000-000000000003"

static const Sendpost *sendpost_of(const Fixture *fixture)
{
    return engine_sendpost_find(fixture->engine, fixture->definition->name);
}

static void forbid_refuses_a_second_run(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    const Reply *reply = fixture_trigger(&fixture, (TriggerEvent){.token = 2, .run_id = RUN_2});
    assert_int_equal(reply->kind, REPLY_RUNNING);
    assert_string_equal(reply->run_id, RUN_1);
    assert_int_equal(sendpost_of(&fixture)->totals.refused[REFUSAL_RUNNING], 1);
    fixture_release(&fixture);
}

static void queue_waits_and_is_bounded(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nconcurrency: queue\n" STAGE);
    fixture_start(&fixture);
    char id[UUID_SIZE];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "00000000-0000-7000-8000-0000000001%02u", (unsigned)i % 100);
        assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 2, .run_id = id})->kind, REPLY_ACCEPTED);
    }
    assert_int_equal(sendpost_queued_count(sendpost_of(&fixture)), 100);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 3, .run_id = RUN_2})->kind, REPLY_QUEUE_FULL);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(sendpost_queued_count(sendpost_of(&fixture)), 99);
    const Run *next = engine_run_find(fixture.engine, "00000000-0000-7000-8000-000000000100");
    assert_int_equal(next->record.admitted, true);
    fixture_release(&fixture);
}

static void replace_cancels_before_it_starts(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nconcurrency: replace\n" STAGE);
    fixture_start(&fixture);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 2, .run_id = RUN_2})->kind, REPLY_ACCEPTED);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(engine_run_find(fixture.engine, RUN_2)->record.state, STATE_SCHEDULED);
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .type = PREFECT_CANCELLED});
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_true(engine_run_find(fixture.engine, RUN_2)->record.admitted);
    fixture_release(&fixture);
}

static void same_key_is_the_same_run(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    RequestKey key = {.scope = "one", .key = "k", .digest = "d"},
               key_of_other = {.scope = "one", .key = "k", .digest = "e"};
    TriggerEvent first = {.token = 1, .sendpost = "one", .run_id = RUN_1, .keys = &key, .key_count = 1};
    TriggerEvent again = first, other = first;
    again.token = 2;
    again.run_id = RUN_2;
    other.token = 3;
    other.keys = &key_of_other;
    actions_clear(&fixture.actions);
    engine_step(fixture.engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = first}, fixture.now,
                &fixture.actions);
    engine_step(fixture.engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = again}, fixture.now,
                &fixture.actions);
    engine_step(fixture.engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = other}, fixture.now,
                &fixture.actions);
    assert_int_equal(fixture.actions.replies[1].kind, REPLY_REPEATED);
    assert_string_equal(fixture.actions.replies[1].run_id, RUN_1);
    assert_int_equal(fixture.actions.replies[2].kind, REPLY_KEY_REUSED);
    fixture_release(&fixture);
}

static void a_start_in_the_past_is_no_plan(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    TriggerEvent late = {.token = 1, .start_at = fixture.now.wall_ms - 60000};
    assert_int_equal(fixture_trigger(&fixture, late)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->record.start_at, 0);
    assert_int_equal(fixture_run(&fixture)->record.started_at, fixture.now.wall_ms);
    fixture_release(&fixture);
}

/* Otherwise a request whose key was taken away on its way would be a new one. */
static void a_key_passes_its_run_on_to_those_before_it(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    RequestKey keys[] = {{.scope = "one/signature", .key = "s2", .digest = "d"},
                         {.scope = "one/webhook", .key = "k", .digest = "d", .known_run = RUN_3, .known_digest = "d"}};
    TriggerEvent again = {.token = 1, .keys = keys, .key_count = 2};
    assert_int_equal(fixture_trigger(&fixture, again)->kind, REPLY_REPEATED);
    assert_int_equal(fixture.actions.changes.key_count, 1);
    assert_string_equal(fixture.actions.changes.keys[0].scope, "one/signature");
    assert_string_equal(fixture.actions.changes.keys[0].key, "s2");
    assert_string_equal(fixture.actions.changes.keys[0].run_id, RUN_3);
    keys[1].digest = "another";
    assert_int_equal(fixture_trigger(&fixture, again)->kind, REPLY_KEY_REUSED);
    assert_int_equal(fixture.actions.changes.key_count, 0);
    fixture_release(&fixture);
}

/* A key that was put to a request on its way must not name the run of another. */
static void a_known_key_passes_nothing_on_to_those_after_it(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    RequestKey keys[] = {
        {.scope = "one/signature", .key = "s1", .digest = "d", .known_run = RUN_3, .known_digest = "d"},
        {.scope = "one/webhook", .key = "k", .digest = "d"}};
    const Reply *reply = fixture_trigger(&fixture, (TriggerEvent){.token = 1, .keys = keys, .key_count = 2});
    assert_int_equal(reply->kind, REPLY_REPEATED);
    assert_string_equal(reply->run_id, RUN_3);
    assert_int_equal(fixture.actions.changes.key_count, 0);
    fixture_release(&fixture);
}

static void planned_run_starts_when_due(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    int64_t start_at = fixture.now.wall_ms + 60000;
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 1, .start_at = start_at})->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_SCHEDULED);
    assert_int_equal(sendpost_state(sendpost_of(&fixture)), STATE_NEVER_RUN);
    fixture_pass(&fixture, 59999);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_SCHEDULED);
    fixture_pass(&fixture, 1);
    assert_true(fixture_run(&fixture)->record.admitted);
    fixture_release(&fixture);
}

/* A planned start is a wall time: it follows a clock that is set. */
static void planned_run_follows_the_wall_clock(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    engine_resume(fixture.engine, fixture.now, &fixture.actions);
    int64_t start_at = fixture.now.wall_ms + 3600000;
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .start_at = start_at});
    fixture.now.wall_ms -= 1800000;
    assert_true(engine_deadline(fixture.engine, fixture.now) <= fixture.now.boot_ms);
    fixture_pass(&fixture, 0);
    assert_int_equal(engine_deadline(fixture.engine, fixture.now), fixture.now.boot_ms + 5400000);
    fixture.now.wall_ms += 5400000;
    fixture_pass(&fixture, 0);
    assert_true(fixture_run(&fixture)->record.admitted);
    fixture_release(&fixture);
}

static void planned_run_is_refused_when_due(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    fixture_start(&fixture);
    TriggerEvent later = {.token = 1, .run_id = RUN_2, .start_at = fixture.now.wall_ms + 60000};
    assert_int_equal(fixture_trigger(&fixture, later)->kind, REPLY_ACCEPTED);
    fixture_pass(&fixture, 60000);
    assert_int_equal(engine_run_find(fixture.engine, RUN_2)->record.state, STATE_SKIPPED);
    assert_int_equal(sendpost_state(sendpost_of(&fixture)), STATE_RUNNING);
    fixture_release(&fixture);
}

static void disabled_unknown_and_wrong_are_refused(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nenabled: false\nparameters: {limit: {type: integer}}\n" STAGE);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 1})->kind, REPLY_DISABLED);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 1, .sendpost = "two"})->kind,
                     REPLY_UNKNOWN_SENDPOST);
    fixture_load(&fixture, "name: one\nparameters: {limit: {type: integer}}\n" STAGE);
    const Reply *reply = fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    assert_int_equal(reply->kind, REPLY_PARAMETERS);
    assert_int_equal(reply->faults.count, 1);
    assert_string_equal(reply->faults.items[0].pointer, "/parameters/limit");
    Json *given = json_parse("{\"limit\":1}", 11, NULL);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 1, .parameters = given, .from = "b"})->kind,
                     REPLY_UNKNOWN_STAGE);
    json_free(given);
    fixture_release(&fixture);
}

static void retired_sendpost_finishes_its_runs(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    fixture_start(&fixture);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_GONE, .file = {.file = "a.yaml"}});
    assert_int_equal(engine_sendpost_count(fixture.engine), 1);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 1, .run_id = RUN_2})->kind,
                     REPLY_UNKNOWN_SENDPOST);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(engine_sendpost_count(fixture.engine), 0);
    fixture_release(&fixture);
}

static void runs_stay_with_their_definition(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    fixture_start(&fixture);
    fixture_load(&fixture, "name: one\nstages:\n- {name: b, run: f/b}\n- {name: a, run: f/a}\n");
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    const Sendpost *sendpost = sendpost_of(&fixture);
    assert_string_equal(sendpost->stages[1].path, "a");
    assert_int_equal(sendpost->stages[1].totals.ended, 1);
    assert_int_equal(sendpost->stages[0].totals.ended, 0);
    fixture_release(&fixture);
}

/* Two runs never work at once: an operator ends what hangs. */
static void replace_waits_for_what_runs_always(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nconcurrency: replace\nstages:\n- {name: a, run: f/a, when: always}\n");
    fixture_start(&fixture);
    fixture_trigger(&fixture, (TriggerEvent){.token = 2, .run_id = RUN_2});
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLING);
    fixture_pass(&fixture, 86400000);
    assert_false(engine_run_find(fixture.engine, RUN_2)->record.admitted);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_true(engine_run_find(fixture.engine, RUN_2)->record.admitted);
    fixture_release(&fixture);
}

static void replace_leaves_what_is_planned(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nconcurrency: replace\n" STAGE);
    TriggerEvent later = {.token = 1, .run_id = RUN_2, .start_at = fixture.now.wall_ms + 60000};
    fixture_trigger(&fixture, later);
    fixture_start(&fixture);
    assert_int_equal(fixture_trigger(&fixture, (TriggerEvent){.token = 3, .run_id = RUN_3})->kind, REPLY_ACCEPTED);
    assert_int_equal(engine_run_find(fixture.engine, RUN_2)->record.cut, CUT_NONE);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_REPLACED);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_CANCELLED);
    assert_true(engine_run_find(fixture.engine, RUN_3)->record.admitted);
    fixture_release(&fixture);
}

static void cancelled_plan_hides_no_state(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .start_at = fixture.now.wall_ms + 60000});
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_int_equal(sendpost_state(sendpost_of(&fixture)), STATE_NEVER_RUN);
    fixture_release(&fixture);
}

static void what_never_began_is_skipped(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture,
                 "name: x\nstages:\n- {name: a, run: f/a}\n- name: p\n  parallel:\n  - {name: b, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.start_at = fixture.now.wall_ms + 60000});
    fixture_verb(&fixture, HAPPENED_BLOCK, "a");
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_CANCELLED);
    for (size_t i = 0; i < run->definition->node_count; i++) {
        assert_int_equal(run->stages[i].record.state, STATE_SKIPPED);
    }
    assert_true(run->stages[0].record.dirty);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_in_the_past_is_no_plan),
        cmocka_unit_test(forbid_refuses_a_second_run),
        cmocka_unit_test(queue_waits_and_is_bounded),
        cmocka_unit_test(replace_cancels_before_it_starts),
        cmocka_unit_test(same_key_is_the_same_run),
        cmocka_unit_test(a_key_passes_its_run_on_to_those_before_it),
        cmocka_unit_test(a_known_key_passes_nothing_on_to_those_after_it),
        cmocka_unit_test(planned_run_starts_when_due),
        cmocka_unit_test(planned_run_follows_the_wall_clock),
        cmocka_unit_test(planned_run_is_refused_when_due),
        cmocka_unit_test(disabled_unknown_and_wrong_are_refused),
        cmocka_unit_test(retired_sendpost_finishes_its_runs),
        cmocka_unit_test(runs_stay_with_their_definition),
        cmocka_unit_test(replace_leaves_what_is_planned),
        cmocka_unit_test(replace_waits_for_what_runs_always),
        cmocka_unit_test(cancelled_plan_hides_no_state),
        cmocka_unit_test(what_never_began_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
