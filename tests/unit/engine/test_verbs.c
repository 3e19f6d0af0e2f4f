/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define TWO "name: x\ntimeout: 10m\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n"

static void pause_holds_the_next_stage(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    fixture_start(&fixture);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_PAUSE, NULL)->kind, REPLY_ACCEPTED);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_PAUSED);
    assert_int_equal(fixture_run(&fixture)->stages[1].record.state, STATE_WAITING);
    fixture_pass(&fixture, 3600000); /* held time counts in no timeout */
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_NONE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    assert_int_equal(fixture_run(&fixture)->stages[1].record.state, STATE_SCHEDULED);
    fixture_release(&fixture);
}

static void step_starts_one_stage(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .paused = true});
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_PAUSED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_WAITING);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_STEP, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_SCHEDULED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_PAUSED);
    fixture_release(&fixture);
}

static void blocked_stage_waits_for_approval(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a, blocked: true}\n- {name: b, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_BLOCKED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "b")->kind, REPLY_STATE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "nowhere")->kind, REPLY_UNKNOWN_STAGE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_BLOCK, "b")->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_SCHEDULED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_BLOCK, "a")->kind, REPLY_STATE);
    fixture_release(&fixture);
}

static void several_blocked_stages_are_named(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  parallel:\n  - {name: a, run: f/a, blocked: true}\n"
                           "  - {name: b, run: f/b, blocked: true}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    const Reply *reply = fixture_verb(&fixture, HAPPENED_RESUME, NULL);
    assert_int_equal(reply->kind, REPLY_SEVERAL);
    assert_non_null(strstr(reply->detail, "p/a, p/b"));
    fixture_release(&fixture);
}

static void verbs_fit_states(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_UNKNOWN_RUN);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    assert_int_equal(fixture_verb(&fixture, HAPPENED_STEP, NULL)->kind, REPLY_STATE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, NULL)->kind, REPLY_STATE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    fixture_release(&fixture);
}

static void blocked_time_counts_in_no_timeout(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\ntimeout: 10m\nstages:\n- {name: a, run: f/a, blocked: true}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_pass(&fixture, 3600000);
    fixture_verb(&fixture, HAPPENED_RESUME, "a");
    fixture_pass(&fixture, 599999);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_NONE);
    fixture_pass(&fixture, 1);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_RUN_TIMEOUT);
    fixture_release(&fixture);
}

/* Deadlines run on boot time: whatever the wall clock does before or while the run is held. */
static void clock_that_is_set_moves_no_timeout(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    fixture_start(&fixture);
    fixture.now.wall_ms += 3600000;
    fixture_pass(&fixture, 60000);
    fixture_verb(&fixture, HAPPENED_PAUSE, NULL);
    fixture.now.wall_ms -= 7200000;
    fixture_pass(&fixture, 1000);
    fixture_verb(&fixture, HAPPENED_RESUME, NULL);
    fixture_pass(&fixture, 539999);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_NONE);
    fixture_pass(&fixture, 1);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_RUN_TIMEOUT);
    fixture_release(&fixture);
}

static void held_run_cleans_up_when_it_is_cancelled(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, when: always}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .paused = true});
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->stages[0].record.state, STATE_SKIPPED);
    assert_int_equal(run->stages[1].record.state, STATE_SCHEDULED);
    assert_int_equal(run->record.state, STATE_CANCELLING);
    fixture_resolve(&fixture, "f/b");
    FlowRun completed = fixture_flow_run(&fixture, PREFECT_COMPLETED);
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.node = 1, .attempt = 1, .flow_runs = &completed, .flow_run_count = 1});
    assert_int_equal(run->record.state, STATE_CANCELLED);
    assert_int_equal(run->stages[1].record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void operator_may_cancel_what_timed_out(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    fixture_start(&fixture);
    fixture_pass(&fixture, 600000);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_RUN_TIMEOUT);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    fixture_release(&fixture);
}

static void cancel_that_comes_too_late_changes_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n");
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void the_same_key_counts_once(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TWO);
    fixture_start(&fixture);
    RequestKey key = {.scope = "x/pause", .key = "k"};
    VerbEvent verb = {.run_id = RUN_1, .keys = &key, .key_count = 1};
    static const struct {
        const char *digest;
        ReplyKind kind;
    } cases[] = {{"d", REPLY_ACCEPTED}, {"d", REPLY_REPEATED}, {"e", REPLY_KEY_REUSED}};
    actions_clear(&fixture.actions);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        key.digest = cases[i].digest;
        engine_step(fixture.engine, &(Happening){.kind = HAPPENED_PAUSE, .verb = verb}, fixture.now, &fixture.actions);
        assert_int_equal(fixture.actions.replies[i].kind, cases[i].kind);
        assert_string_equal(fixture.actions.replies[i].run_id, RUN_1);
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pause_holds_the_next_stage),
        cmocka_unit_test(step_starts_one_stage),
        cmocka_unit_test(blocked_stage_waits_for_approval),
        cmocka_unit_test(several_blocked_stages_are_named),
        cmocka_unit_test(verbs_fit_states),
        cmocka_unit_test(the_same_key_counts_once),
        cmocka_unit_test(blocked_time_counts_in_no_timeout),
        cmocka_unit_test(clock_that_is_set_moves_no_timeout),
        cmocka_unit_test(held_run_cleans_up_when_it_is_cancelled),
        cmocka_unit_test(operator_may_cancel_what_timed_out),
        cmocka_unit_test(cancel_that_comes_too_late_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
