/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define ONE "name: one\nstages:\n- {name: a, run: f/a, parameters: {date: \"${run.date}\"}}\n"

/* ONE is triggered, and its intent was sent. */
static void intend(Fixture *fixture)
{
    fixture_init(fixture, ONE);
    fixture_trigger(fixture, (TriggerEvent){.token = 1});
    fixture_resolve(fixture, "f/a");
}

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
    intend(&fixture);
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

/* A trigger within its bounds, and a stage that repeats it: too much to send is no reason to fall over. */
static void parameters_that_grow_too_large_are_rejected(void **state)
{
    (void)state;
    enum { GIVEN = 200000 };
    for (int repeated = 5; repeated <= 100; repeated += 95) {
        Fixture fixture;
        Buffer text, given;
        buffer_init(&text, 1 << 16);
        buffer_init(&given, 1 << 20);
        buffer_text(&text, "name: one\nparameters: {big: {}}\nstages:\n- name: a\n  run: f/a\n  parameters:\n    l:\n");
        for (int i = 0; i < repeated; i++) {
            buffer_text(&text, "    - ${params.big}\n");
        }
        buffer_format(&given, "{\"big\":\"%0*d\"}", GIVEN, 0);
        Json *parameters = json_parse(given.bytes, given.length, NULL);
        fixture_init(&fixture, text.bytes);
        fixture_trigger(&fixture, (TriggerEvent){.token = 1, .parameters = parameters});
        fixture_resolve(&fixture, "f/a");
        const Run *run = fixture_run(&fixture);
        bool fits = repeated == 5;
        assert_int_equal(fixture_request(&fixture, REQUEST_CREATE) != NULL, fits);
        assert_int_equal(run->record.state, fits ? STATE_SCHEDULED : STATE_FAILED);
        assert_int_equal(run->stages[0].record.reason, fits ? REASON_NONE : REASON_REJECTED);
        fixture_release(&fixture);
        json_free(parameters);
        buffer_release(&text);
        buffer_release(&given);
    }
}

static void refusal_is_believed_after_a_search(void **state)
{
    (void)state;
    Fixture fixture;
    intend(&fixture);
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
    intend(&fixture);
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
    intend(&fixture);
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
    intend(&fixture);
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

/* Refused with `status`, and no flow run has its key. */
static void refuse(Fixture *fixture, Outcome outcome, int status)
{
    fixture_answer(fixture, HAPPENED_CREATED, (AnswerEvent){.attempt = 1, .outcome = outcome, .status = status});
    fixture_answer(fixture, HAPPENED_SEARCHED, (AnswerEvent){.attempt = 1});
}

static void search_that_fails_decides_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    intend(&fixture);
    fixture_answer(&fixture, HAPPENED_CREATED, (AnswerEvent){.attempt = 1, .outcome = OUTCOME_REFUSED, .status = 422});
    fixture_unknown(&fixture, HAPPENED_SEARCHED, 1);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_SCHEDULED);
    fixture_pass(&fixture, 1000);
    assert_non_null(fixture_request(&fixture, REQUEST_SEARCH));
    FlowRun other = fixture_flow_run(&fixture, PREFECT_RUNNING);
    other.deployment_id = (char *)(uintptr_t) "00000000-0000-4000-8000-0000000000ee";
    fixture_answer(&fixture, HAPPENED_SEARCHED, (AnswerEvent){.attempt = 1, .flow_runs = &other, .flow_run_count = 1});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_REJECTED);
    assert_int_equal(engine_watched_count(fixture.engine), 0);
    fixture_release(&fixture);
}

static void missing_deployment_with_the_same_id_is_rejected(void **state)
{
    (void)state;
    Fixture fixture;
    intend(&fixture);
    refuse(&fixture, OUTCOME_NOT_FOUND, 404);
    fixture_resolve(&fixture, "f/a");
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_REJECTED);
    fixture_release(&fixture);
}

static void refused_when_cut_begins_nothing(const char *text, HappeningKind verb, int64_t pass_ms, State end)
{
    Fixture fixture;
    fixture_init(&fixture, text);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    if (verb) {
        fixture_verb(&fixture, verb, NULL);
    }
    fixture_pass(&fixture, pass_ms);
    refuse(&fixture, OUTCOME_NOT_FOUND, 404);
    assert_null(fixture_request(&fixture, REQUEST_RESOLVE));
    assert_int_equal(fixture_run(&fixture)->record.state, end);
    fixture_release(&fixture);
}

static void cut_intent_is_not_replaced(void **state)
{
    (void)state;
    refused_when_cut_begins_nothing(ONE, HAPPENED_CANCEL, 0, STATE_CANCELLED);
    refused_when_cut_begins_nothing("name: one\ntimeout: 10m\nstages:\n- {name: a, run: f/a}\n", HAPPENED_TIME, 600000,
                                    STATE_FAILED);
}

static void key_is_made_of_durable_facts(void **state)
{
    (void)state;
    Fixture fixture;
    intend(&fixture);
    assert_string_equal(fixture_request(&fixture, REQUEST_CREATE)->key, "sendpost/test/" RUN_1 "/a/1/" DEPLOYMENT);
    fixture_release(&fixture);
}

#define LONG "long-name-long-name-long-name-long-name-long-name-long-name-xyz"

static void long_key_is_hashed(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- name: " LONG "\n  stages:\n  - name: " LONG "\n    stages:\n"
                           "    - name: " LONG "\n      parallel:\n      - {name: a, run: f/a}\n"
                           "      - {name: b, run: f/a}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    fixture_resolve(&fixture, "f/a");
    assert_int_equal(fixture.actions.request_count, 2);
    const char *first = fixture.actions.requests[0].key, *second = fixture.actions.requests[1].key;
    assert_true(strlen(first) <= 255 && strlen(second) <= 255);
    assert_string_not_equal(first, second);
    fixture_release(&fixture);
}

static void unknown_resolution_is_asked_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    AnswerEvent unknown = {.reference = "f/a", .outcome = OUTCOME_UNKNOWN};
    int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        fixture_answer(&fixture, HAPPENED_RESOLVED, unknown);
        assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_RESOLVING);
        fixture_pass(&fixture, waits[i] - 1);
        assert_null(fixture_request(&fixture, REQUEST_RESOLVE));
        fixture_pass(&fixture, 1);
        assert_non_null(fixture_request(&fixture, REQUEST_RESOLVE));
    }
    fixture_answer(&fixture, HAPPENED_RESOLVED, unknown);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_REACHABLE}); /* asks at once */
    assert_non_null(fixture_request(&fixture, REQUEST_RESOLVE));
    fixture_release(&fixture);
}

static void adopted_flow_runs_are_counted_apart(void **state)
{
    (void)state;
    Fixture fixture;
    intend(&fixture);
    FlowRun flow_run = fixture_flow_run(&fixture, PREFECT_RUNNING);
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.attempt = 1, .flow_runs = &flow_run, .flow_run_count = 1, .existing = true});
    assert_int_equal(engine_totals(fixture.engine)->flow_runs_adopted, 1);
    assert_int_equal(engine_totals(fixture.engine)->flow_runs_created, 0);
    assert_true(fixture_run(&fixture)->stages[0].record.attempts[0].adopted);
    fixture_release(&fixture);
}

static void report_without_an_answer_is_asked_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, ONE);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_unknown(&fixture, HAPPENED_REPORTED, 1);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 2000);
    assert_non_null(fixture_request(&fixture, REQUEST_REPORT));
    fixture_release(&fixture);
}

static void durations_are_prefects(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 1}\n");
    fixture_start(&fixture);
    FlowRun crashed = fixture_flow_run(&fixture, PREFECT_CRASHED);
    crashed.started_at = 0; /* it never began */
    for (int i = 0; i < 2; i++) {
        fixture_answer(&fixture, HAPPENED_POLLED, (AnswerEvent){.flow_runs = &crashed, .flow_run_count = 1});
        fixture_pass(&fixture, SETTLE_MS);
    }
    FlowRun completed = fixture_flow_run(&fixture, PREFECT_COMPLETED);
    completed.ended_at = fixture.now.wall_ms + 90000;
    completed.started_at = completed.ended_at - 7000;
    fixture_answer(&fixture, HAPPENED_CREATED,
                   (AnswerEvent){.attempt = 2, .flow_runs = &completed, .flow_run_count = 1});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_COMPLETED);
    assert_int_equal(run->record.duration_ms, 7000);
    assert_int_equal(run->stages[0].record.ended_at - run->stages[0].record.started_at, 7000);
    fixture_release(&fixture);
}

static void answer_of_an_earlier_attempt_is_not_taken(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 1}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_FAILED);
    fixture_pass(&fixture, 10000);
    assert_int_equal(fixture_request(&fixture, REQUEST_CREATE)->attempt, 2);
    fixture_created(&fixture, 0, 1); /* once more */
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_CREATING);
    fixture_unknown(&fixture, HAPPENED_CREATED, 2);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_REACHABLE});
    assert_int_equal(fixture_request(&fixture, REQUEST_CREATE)->attempt, 2); /* at once, not after the back-off */
    fixture_release(&fixture);
}

static void duration_spans_all_attempts(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\nstages:\n- {name: a, run: f/a, retries: 1}\n");
    fixture_start(&fixture);
    fixture_pass(&fixture, 5000);
    fixture_seen(&fixture, PREFECT_FAILED); /* it began and ended now */
    fixture_pass(&fixture, 10000);
    fixture_created(&fixture, 0, 2);
    fixture_pass(&fixture, 1000);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.duration_ms, 11000);
    assert_int_equal(run->stages[0].record.ended_at - run->stages[0].record.started_at, 11000);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_to_the_end),
        cmocka_unit_test(intent_is_sent_unchanged_until_answered),
        cmocka_unit_test(parameters_that_grow_too_large_are_rejected),
        cmocka_unit_test(refusal_is_believed_after_a_search),
        cmocka_unit_test(refusal_with_a_flow_run_is_adopted),
        cmocka_unit_test(foreign_answer_is_never_adopted),
        cmocka_unit_test(missing_deployment_is_looked_up_again),
        cmocka_unit_test(unknown_deployment_is_rejected),
        cmocka_unit_test(retries_after_the_delay),
        cmocka_unit_test(failure_waits_for_its_report),
        cmocka_unit_test(report_is_given_up_after_ten_seconds),
        cmocka_unit_test(search_that_fails_decides_nothing),
        cmocka_unit_test(missing_deployment_with_the_same_id_is_rejected),
        cmocka_unit_test(cut_intent_is_not_replaced),
        cmocka_unit_test(key_is_made_of_durable_facts),
        cmocka_unit_test(long_key_is_hashed),
        cmocka_unit_test(unknown_resolution_is_asked_again),
        cmocka_unit_test(adopted_flow_runs_are_counted_apart),
        cmocka_unit_test(report_without_an_answer_is_asked_again),
        cmocka_unit_test(durations_are_prefects),
        cmocka_unit_test(answer_of_an_earlier_attempt_is_not_taken),
        cmocka_unit_test(duration_spans_all_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
