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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pause_holds_the_next_stage),
        cmocka_unit_test(step_starts_one_stage),
        cmocka_unit_test(blocked_stage_waits_for_approval),
        cmocka_unit_test(several_blocked_stages_are_named),
        cmocka_unit_test(verbs_fit_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
