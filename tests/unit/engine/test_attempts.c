/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define ONE "name: one\nstages:\n- {name: a, run: f/a, parameters: {date: \"${run.date}\"}}\n"

static void runs_to_the_end(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_RUNNING);
    fixture_pass(&fixture, 60000);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    const Sendpost *sendpost = engine_sendpost_find(fixture.engine, "one");
    assert_int_equal(sendpost->totals.runs[TRIGGER_API], 1);
    assert_int_equal(sendpost->totals.duration.count, 1);
    assert_int_equal(sendpost->stages[0].totals.ended, 1);
    assert_int_equal(sendpost_state(sendpost), STATE_COMPLETED);
    assert_int_equal(engine_watched_count(fixture.engine), 0);
    assert_true(engine_deadline(fixture.engine, fixture.now) == TIME_NEVER);
    fixture_release(&fixture);
}

static void intent_is_sent_unchanged_until_answered(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    const Request *first = fixture_request(&fixture, REQUEST_CREATE);
    assert_non_null(first);
    char *key = text_copy(first->key), *body = text_copy(first->body);
    assert_non_null(strstr(key, RUN_1));
    assert_non_null(strstr(body, "\"name\":\"one/a #1\""));
    assert_non_null(strstr(body, "sendpost-run:" RUN_1));
    fixture_answer(&fixture, HAPPENED_CREATED, (AnswerEvent){.node = 0, .attempt = 1, .outcome = OUTCOME_UNKNOWN});
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_pass(&fixture, 999);
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_pass(&fixture, 1);
    const Request *second = fixture_request(&fixture, REQUEST_CREATE);
    assert_non_null(second);
    assert_string_equal(second->key, key);
    assert_string_equal(second->body, body);
    free(key);
    free(body);
    fixture_release(&fixture);
}

static void refusal_is_believed_after_a_search(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED, .status = 409, .message = "no such colour"});
    assert_non_null(fixture_request(&fixture, REQUEST_SEARCH));
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_SCHEDULED);
    fixture_answer(&fixture, HAPPENED_SEARCHED, (AnswerEvent){.attempt = 1});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_FAILED);
    assert_int_equal(run->record.reason, REASON_REJECTED);
    assert_non_null(strstr(run->record.failure->message, "no such colour"));
    fixture_release(&fixture);
}

static void refusal_with_a_flow_run_is_adopted(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_answer(&fixture, HAPPENED_CREATED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED, .status = 422});
    FlowRun flow_run = fixture_flow_run(&fixture, PREFECT_RUNNING);
    fixture_answer(&fixture, HAPPENED_SEARCHED,
                   (AnswerEvent){.attempt = 1, .flow_runs = &flow_run, .flow_run_count = 1});
    assert_true(fixture_run(&fixture)->stages[0].record.attempts[0].adopted);
    assert_int_equal(engine_watched_count(fixture.engine), 1);
    fixture_release(&fixture);
}

static void foreign_answer_is_never_adopted(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.attempt = 1, .outcome = OUTCOME_FOREIGN, .message = "collision of keys"});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_REJECTED);
    assert_int_equal(engine_watched_count(fixture.engine), 0);
    fixture_release(&fixture);
}

static void missing_deployment_is_looked_up_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.attempt = 1, .outcome = OUTCOME_NOT_FOUND, .status = 404});
    fixture_answer(&fixture, HAPPENED_SEARCHED, (AnswerEvent){.attempt = 1});
    assert_non_null(fixture_request(&fixture, REQUEST_RESOLVE));
    fixture_answer(&fixture, HAPPENED_RESOLVED,
                   (AnswerEvent){.reference = "f/a", .deployment_id = "00000000-0000-4000-8000-0000000000ee"});
    const Request *create = fixture_request(&fixture, REQUEST_CREATE);
    assert_non_null(create);
    assert_string_equal(create->deployment_id, "00000000-0000-4000-8000-0000000000ee");
    assert_int_equal(create->attempt, 1);
    fixture_release(&fixture);
}

static void unknown_deployment_is_rejected(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_answer(&fixture, HAPPENED_RESOLVED, (AnswerEvent){.reference = "f/a", .outcome = OUTCOME_NOT_FOUND});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_REJECTED);
    fixture_release(&fixture);
}

static void retries_after_the_delay(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 1, retry_delay: 1m}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_pass(&fixture, 59999);
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    fixture_pass(&fixture, 1);
    const Request *create = fixture_request(&fixture, REQUEST_CREATE);
    assert_non_null(create);
    assert_int_equal(create->attempt, 2);
    assert_string_not_equal(create->key, fixture_run(&fixture)->stages[0].record.attempts[0].key);
    assert_int_equal(engine_sendpost_find(fixture.engine, "one")->stages[0].totals.retries, 1);
    fixture_release(&fixture);
}

static void failure_waits_for_its_report(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    assert_non_null(fixture_request(&fixture, REQUEST_REPORT));
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_answer(&fixture, HAPPENED_REPORTED, (AnswerEvent){.attempt = 1, .report = {.logs = "[]"}});
    fixture_pass(&fixture, 2000);
    assert_non_null(fixture_request(&fixture, REQUEST_REPORT));
    Report report = {
        .task_name = "explode", .task_message = "boom", .logs = "[{\"message\":\"why\"}]", .complete = true};
    fixture_answer(&fixture, HAPPENED_REPORTED, (AnswerEvent){.attempt = 1, .report = report});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_FAILED);
    assert_string_equal(run->record.failure->task_name, "explode");
    assert_string_equal(run->record.failure->flow_run_id, FLOW_RUN);
    assert_int_equal(engine_sendpost_find(fixture.engine, "one")->totals.failures[REASON_FAILED], 1);
    fixture_release(&fixture);
}

static void report_is_given_up_after_ten_seconds(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_pass(&fixture, 9999);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_to_the_end),
        cmocka_unit_test(intent_is_sent_unchanged_until_answered),
        cmocka_unit_test(refusal_is_believed_after_a_search),
        cmocka_unit_test(refusal_with_a_flow_run_is_adopted),
        cmocka_unit_test(foreign_answer_is_never_adopted),
        cmocka_unit_test(missing_deployment_is_looked_up_again),
        cmocka_unit_test(unknown_deployment_is_rejected),
        cmocka_unit_test(retries_after_the_delay),
        cmocka_unit_test(failure_waits_for_its_report),
        cmocka_unit_test(report_is_given_up_after_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
