/* SPDX-License-Identifier: Apache-2.0 */
/* Waits that go on over a restart: neither shorter nor longer for it. */
#include "fixture.h"

#define ONE "name: one\nstages:\n- {name: a, run: f/a}\n"

static void settle_window_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_restart(&fixture, SETTLE_MS - 1000);
    fixture_pass(&fixture, 999);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_pass(&fixture, 1);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_REPORTING);
    fixture_release(&fixture);
}

static void clock_that_was_set_back_lengthens_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_restart(&fixture, -86400000);
    fixture_pass(&fixture, SETTLE_MS);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_REPORTING);
    fixture_release(&fixture);
}

static void attempt_timeout_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, timeout: 5m}\n");
    fixture_start(&fixture);
    fixture_restart(&fixture, 299000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_release(&fixture);
}

static void run_timeout_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\ntimeout: 10m\nstages:\n- {name: a, run: f/a}\n");
    fixture_start(&fixture);
    fixture_restart(&fixture, 599000);
    fixture_pass(&fixture, 999);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_NONE);
    fixture_pass(&fixture, 1);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_RUN_TIMEOUT);
    fixture_restart(&fixture, -86400000); /* it is over, whatever the clock says */
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_release(&fixture);
}

static void held_time_goes_on_to_count_in_no_timeout(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\ntimeout: 10m\nstages:\n- {name: a, run: f/a}\n");
    fixture_start(&fixture);
    fixture_pass(&fixture, 60000);
    fixture_verb(&fixture, HAPPENED_PAUSE, NULL);
    fixture_pass(&fixture, 3600000);
    fixture_restart(&fixture, 3600000);
    fixture_pass(&fixture, 3600000);
    fixture_verb(&fixture, HAPPENED_RESUME, NULL);
    fixture_restart(&fixture, 539999);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_NONE);
    fixture_pass(&fixture, 1);
    assert_int_equal(fixture_run(&fixture)->record.cut, CUT_RUN_TIMEOUT);
    fixture_release(&fixture);
}

static void retry_delay_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 1, retry_delay: 1m}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_restart(&fixture, 59000);
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_pass(&fixture, 1000);
    assert_int_equal(fixture_request(&fixture, REQUEST_CREATE)->attempt, 2);
    fixture_release(&fixture);
}

static void cancellation_and_its_grace_go_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_restart(&fixture, 1000);
    assert_false(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_cancel_answered(&fixture, PREFECT_CANCELLING);
    fixture_restart(&fixture, GRACE_MS - 1000);
    assert_false(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_cancel_answered(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, 1000);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_release(&fixture);
}

static void report_is_as_old_as_it_was(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_restart(&fixture, 9000);
    assert_non_null(fixture_request(&fixture, REQUEST_REPORT));
    fixture_pass(&fixture, 1000);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    assert_string_equal(fixture_run(&fixture)->record.failure->message, "said so");
    fixture_release(&fixture);
}

static void wait_of_an_observation_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, observe: f/a, wait: 10m}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_restart(&fixture, 599000);
    FlowRun failed = fixture_flow_run(&fixture, PREFECT_FAILED);
    AnswerEvent found = {.flow_runs = &failed, .flow_run_count = 1};
    fixture_answer(&fixture, HAPPENED_LOOKED, found);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_answer(&fixture, HAPPENED_LOOKED, found);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    fixture_release(&fixture);
}

static void refused_intent_is_sent_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    auto_free char *key = text_copy(fixture_request(&fixture, REQUEST_CREATE)->key);
    fixture_answer(&fixture, HAPPENED_CREATED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED, .status = 422});
    fixture_restart(&fixture, 1000);
    assert_string_equal(fixture_request(&fixture, REQUEST_CREATE)->key, key);
    fixture_release(&fixture);
}

static void long_absence_needs_a_reply_too(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_restart(&fixture, 86400000);
    fixture_pass(&fixture, 60000);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void crash_that_ran_again_is_forgotten(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_restart(&fixture, 1000);
    fixture_pass(&fixture, SETTLE_MS);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(fixture_run(&fixture)->stages[0].record.cut, CUT_NONE);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settle_window_goes_on),
        cmocka_unit_test(clock_that_was_set_back_lengthens_nothing),
        cmocka_unit_test(long_absence_needs_a_reply_too),
        cmocka_unit_test(crash_that_ran_again_is_forgotten),
        cmocka_unit_test(attempt_timeout_goes_on),
        cmocka_unit_test(run_timeout_goes_on),
        cmocka_unit_test(held_time_goes_on_to_count_in_no_timeout),
        cmocka_unit_test(retry_delay_goes_on),
        cmocka_unit_test(cancellation_and_its_grace_go_on),
        cmocka_unit_test(report_is_as_old_as_it_was),
        cmocka_unit_test(wait_of_an_observation_goes_on),
        cmocka_unit_test(refused_intent_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
