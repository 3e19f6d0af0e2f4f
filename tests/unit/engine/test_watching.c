/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define ONE   "name: one\nstages:\n- {name: a, run: f/a}\n"
#define TIMED "name: one\nstages:\n- {name: a, run: f/a, timeout: 5m}\n"

static void crash_is_believed_after_the_settle_window(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_pass(&fixture, SETTLE_MS - 1);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CRASHED);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_CRASHED);
    fixture_release(&fixture);
}

static void crash_that_runs_again_is_no_crash(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_pass(&fixture, 5000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, SETTLE_MS);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_RUNNING);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void timeout_needs_a_reply_asked_after_it(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TIMED);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 600000);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    FlowRun stale = fixture_flow_run(&fixture, PREFECT_RUNNING);
    fixture_answer(
        &fixture, HAPPENED_POLLED,
        (AnswerEvent){.flow_runs = &stale, .flow_run_count = 1, .asked_boot_ms = fixture.now.boot_ms - 400000});
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .type = PREFECT_CANCELLING});
    fixture_seen(&fixture, PREFECT_CANCELLED);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_TIMED_OUT);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    fixture_release(&fixture);
}

static void away_is_not_failed(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TIMED);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 86400000);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_RUNNING);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void absent_twice_is_lost(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_absent(&fixture);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_absent(&fixture);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_LOST);
    fixture_release(&fixture);
}

static void cancelled_by_somebody_fails_the_run(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 3}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_FAILED);
    assert_int_equal(run->record.reason, REASON_CANCELLED);
    assert_int_equal(run->stages[0].record.state, STATE_CANCELLED);
    fixture_release(&fixture);
}

static void cancel_that_does_not_end_is_forced(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    const Request *cancel = fixture_request(&fixture, REQUEST_CANCEL);
    assert_non_null(cancel);
    assert_false(cancel->force);
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .type = PREFECT_CANCELLING});
    fixture_pass(&fixture, GRACE_MS - 1);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_pass(&fixture, 1);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .type = PREFECT_CANCELLED});
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_CANCELLED);
    fixture_release(&fixture);
}

static void cancel_waits_for_an_unresolved_intent(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLING);
    fixture_answer(&fixture, HAPPENED_CREATED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_UNKNOWN});
    fixture_pass(&fixture, 1000);
    assert_non_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_created(&fixture, 0, 1);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_is_believed_after_the_settle_window),
        cmocka_unit_test(crash_that_runs_again_is_no_crash),
        cmocka_unit_test(timeout_needs_a_reply_asked_after_it),
        cmocka_unit_test(away_is_not_failed),
        cmocka_unit_test(absent_twice_is_lost),
        cmocka_unit_test(cancelled_by_somebody_fails_the_run),
        cmocka_unit_test(cancel_that_does_not_end_is_forced),
        cmocka_unit_test(cancel_waits_for_an_unresolved_intent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
