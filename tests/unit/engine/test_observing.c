/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define WATCH                                                                                                          \
    "name: x\nstages:\n- {name: a, observe: f/a, within: 24h, wait: 10m, match: {parameters: {n: 1}, tags: [prod]}}\n"
#define ONCE "name: x\nstages:\n- {name: a, observe: f/a, within: 24h}\n"

static void begin(Fixture *fixture, const char *text)
{
    fixture_init(fixture, text);
    fixture_trigger(fixture, (TriggerEvent){.token = 1});
    fixture_resolve(fixture, "f/a");
    assert_non_null(fixture_request(fixture, REQUEST_LOOK));
}

static void looked(Fixture *fixture, PrefectType type, const char *parameters, const char *tags)
{
    FlowRun flow_run = fixture_flow_run(fixture, type);
    flow_run.started_at = fixture->now.wall_ms - 1000;
    flow_run.parameters = json_parse(parameters, strlen(parameters), NULL);
    flow_run.tags = json_parse(tags, strlen(tags), NULL);
    fixture_answer(fixture, HAPPENED_LOOKED, (AnswerEvent){.flow_runs = &flow_run, .flow_run_count = 1});
    json_free(flow_run.parameters);
    json_free(flow_run.tags);
}

static void completed_passes(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    looked(&fixture, PREFECT_COMPLETED, "{\"n\":1,\"m\":2}", "[\"prod\",\"x\"]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void others_do_not_count(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    looked(&fixture, PREFECT_COMPLETED, "{\"n\":2}", "[\"prod\"]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 5000);
    assert_non_null(fixture_request(&fixture, REQUEST_LOOK));
    looked(&fixture, PREFECT_COMPLETED, "{\"n\":1}", "[]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_release(&fixture);
}

static void bad_end_is_waited_on(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    looked(&fixture, PREFECT_FAILED, "{\"n\":1}", "[\"prod\"]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 600000);
    assert_non_null(fixture_request(&fixture, REQUEST_LOOK));
    looked(&fixture, PREFECT_FAILED, "{\"n\":1}", "[\"prod\"]");
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.reason, REASON_NOT_OBSERVED);
    assert_non_null(strstr(run->record.failure->message, "gentle-fox, ended FAILED: said so"));
    fixture_release(&fixture);
}

static void active_one_is_followed_beyond_the_wait(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    looked(&fixture, PREFECT_RUNNING, "{}", "[]");
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_RUNNING);
    fixture_pass(&fixture, 3600000);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void none_is_not_observed(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){.outcome = OUTCOME_UNKNOWN});
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 1000);
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){0});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    fixture_release(&fixture);
}

static void cancelling_leaves_the_flow_run_alone(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    looked(&fixture, PREFECT_RUNNING, "{}", "[]");
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLED);
    assert_int_equal(engine_watched_count(fixture.engine), 0);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completed_passes),     cmocka_unit_test(others_do_not_count),
        cmocka_unit_test(bad_end_is_waited_on), cmocka_unit_test(active_one_is_followed_beyond_the_wait),
        cmocka_unit_test(none_is_not_observed), cmocka_unit_test(cancelling_leaves_the_flow_run_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
