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
    fixture_pass(&fixture, 1000);
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

#define TRIED "name: one\nstages:\n- {name: a, run: f/a, timeout: 5m, retries: 1, retry_delay: 1m}\n"

static void one_poll_misses_only_once(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_absent(&fixture);
    fixture_absent(&fixture); /* the same answer, delivered twice */
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_absent(&fixture);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_release(&fixture);
}

static void older_answers_say_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_pass(&fixture, 10000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    FlowRun older = fixture_flow_run(&fixture, PREFECT_FAILED);
    fixture_answer(
        &fixture, HAPPENED_POLLED,
        (AnswerEvent){.flow_runs = &older, .flow_run_count = 1, .asked_boot_ms = fixture.now.boot_ms - 5000});
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_release(&fixture);
}

static void crash_is_not_believed_without_a_reply(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_pass(&fixture, 3600000);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_CRASHED); /* another crash has a window of its own */
    fixture_pass(&fixture, SETTLE_MS - 1);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_release(&fixture);
}

static void crash_between_two_polls_is_another_one(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_pass(&fixture, SETTLE_MS);
    fixture.type_since = fixture.now.wall_ms - 1000;
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_pass(&fixture, SETTLE_MS);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_REPORTING);
    fixture_release(&fixture);
}

static void cancelled_crash_is_settled_too(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CRASHED);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLING);
    fixture_pass(&fixture, 5000);
    fixture_seen(&fixture, PREFECT_RUNNING); /* it went on: cancelled only now */
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    fixture_release(&fixture);
}

static void cancellation_that_does_not_last_is_asked_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_cancel_answered(&fixture, PREFECT_CANCELLING);
    fixture_seen(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_false(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_release(&fixture);
}

static void grace_begins_when_prefect_knows(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_pass(&fixture, GRACE_MS);
    fixture_unknown(&fixture, HAPPENED_CANCEL_ANSWERED, 1);
    fixture_pass(&fixture, 1000);
    assert_false(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_cancel_answered(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, GRACE_MS - 1);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_pass(&fixture, 1);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_release(&fixture);
}

static void refused_cancellation_is_forced_in_the_end(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED});
    fixture_pass(&fixture, 5000);
    assert_false(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_answer(&fixture, HAPPENED_CANCEL_ANSWERED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED});
    fixture_pass(&fixture, GRACE_MS);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_release(&fixture);
}

static void paused_flow_run_is_cancelled_by_force(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_PAUSED);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_cancel_answered(&fixture, PREFECT_PAUSED);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_release(&fixture);
}

static void cancellation_by_somebody_is_forced_too(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, GRACE_MS);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, GRACE_MS - 1);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_pass(&fixture, 1);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_CANCELLED);
    fixture_release(&fixture);
}

/* Whatever becomes of the request that is under way: what goes on is not ours to cancel. */
static void cancellation_by_somebody_that_did_not_last_is_not_repeated(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_CANCELLING);
    fixture_pass(&fixture, GRACE_MS);
    assert_true(fixture_request(&fixture, REQUEST_CANCEL)->force);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_cancel_answered(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 10 * GRACE_MS);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_release(&fixture);
}

/* The only attempt has timed out, and is being cancelled. */
static void time_out(Fixture *fixture)
{
    fixture_start(fixture);
    fixture_seen(fixture, PREFECT_RUNNING);
    fixture_pass(fixture, 300000);
    fixture_seen(fixture, PREFECT_RUNNING);
    assert_non_null(fixture_request(fixture, REQUEST_CANCEL));
    fixture_cancel_answered(fixture, PREFECT_CANCELLING);
    assert_int_equal(fixture_run(fixture)->stages[0].record.attempt_count, 1);
}

static void timed_out_attempt_is_tried_again_once_it_ended(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TRIED);
    time_out(&fixture);
    fixture_pass(&fixture, 120000);
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_seen(&fixture, PREFECT_CANCELLED);
    fixture_pass(&fixture, 60000);
    assert_int_equal(fixture_request(&fixture, REQUEST_CREATE)->attempt, 2);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempts[0].reason, REASON_TIMED_OUT);
    fixture_release(&fixture);
}

static void cancelled_run_tries_nothing_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TRIED);
    time_out(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempt_count, 1);
    fixture_release(&fixture);
}

static void cancelled_run_does_not_try_a_failure_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TRIED);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempt_count, 1);
    fixture_release(&fixture);
}

static void run_that_timed_out_tries_nothing_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\ntimeout: 10m\nstages:\n- {name: a, run: f/a, retries: 1}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 600000);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempt_count, 1);
    fixture_release(&fixture);
}

static void left_flow_run_is_not_cancelled(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, timeout: 5m, on_timeout: leave}\n");
    fixture_start(&fixture);
    fixture_pass(&fixture, 300000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(engine_watched_count(fixture.engine), 0);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_TIMED_OUT);
    fixture_release(&fixture);
}

static void timeout_counts_from_the_creation(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TIMED);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_pass(&fixture, 200000); /* Prefect was away */
    fixture_created(&fixture, 0, 1);
    fixture_pass(&fixture, 299999);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_pass(&fixture, 1);
    fixture_seen(&fixture, PREFECT_RUNNING);
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
        cmocka_unit_test(one_poll_misses_only_once),
        cmocka_unit_test(older_answers_say_nothing),
        cmocka_unit_test(crash_is_not_believed_without_a_reply),
        cmocka_unit_test(crash_between_two_polls_is_another_one),
        cmocka_unit_test(cancelled_crash_is_settled_too),
        cmocka_unit_test(cancellation_that_does_not_last_is_asked_again),
        cmocka_unit_test(grace_begins_when_prefect_knows),
        cmocka_unit_test(refused_cancellation_is_forced_in_the_end),
        cmocka_unit_test(paused_flow_run_is_cancelled_by_force),
        cmocka_unit_test(cancellation_by_somebody_is_forced_too),
        cmocka_unit_test(timed_out_attempt_is_tried_again_once_it_ended),
        cmocka_unit_test(cancellation_by_somebody_that_did_not_last_is_not_repeated),
        cmocka_unit_test(cancelled_run_tries_nothing_again),
        cmocka_unit_test(cancelled_run_does_not_try_a_failure_again),
        cmocka_unit_test(run_that_timed_out_tries_nothing_again),
        cmocka_unit_test(left_flow_run_is_not_cancelled),
        cmocka_unit_test(timeout_counts_from_the_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
