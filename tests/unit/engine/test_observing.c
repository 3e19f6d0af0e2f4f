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
    int attempt = (int)fixture_run(fixture)->stages[0].record.attempt_count;
    fixture_answer(fixture, HAPPENED_LOOKED,
                   (AnswerEvent){.attempt = attempt, .flow_runs = &flow_run, .flow_run_count = 1});
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

static void match_has_templates(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: x\nparameters: {n: 7}\nstages:\n- name: a\n  observe: f/a\n  wait: 10m\n  within: 24h\n"
                    "  match: {parameters: {n: \"${params.n}\"}, tags: [\"${sendpost.name}\", \"${params.n}\"]}\n");
    looked(&fixture, PREFECT_COMPLETED, "{\"n\":7}", "[\"x\"]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 5000);
    assert_non_null(fixture_request(&fixture, REQUEST_LOOK));
    looked(&fixture, PREFECT_COMPLETED, "{\"n\":7}", "[\"7\",\"x\"]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
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
    assert_non_null(fixture_request(&fixture, REQUEST_RESOLVE)); /* perhaps it is another deployment now */
    fixture_resolve(&fixture, "f/a");
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){0});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    assert_non_null(strstr(fixture_run(&fixture)->record.failure->message, "no flow run started within the window"));
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

#define OTHER "00000000-0000-4000-8000-0000000000ee"

static void deployment_made_anew_is_found(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){0});
    fixture_answer(&fixture, HAPPENED_RESOLVED, (AnswerEvent){.reference = "f/a", .deployment_id = OTHER});
    assert_string_equal(fixture_request(&fixture, REQUEST_LOOK)->deployment_id, OTHER);
    looked(&fixture, PREFECT_COMPLETED, "{}", "[]");
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void other_flow_run_decides_after_a_bad_end(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    looked(&fixture, PREFECT_RUNNING, "{\"n\":1}", "[\"prod\"]");
    fixture_pass(&fixture, 60000);
    fixture_seen(&fixture, PREFECT_FAILED);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_LOOKING);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempts[0].reason, REASON_NOT_OBSERVED);
    assert_non_null(fixture_request(&fixture, REQUEST_LOOK));
    looked(&fixture, PREFECT_RUNNING, "{\"n\":1}", "[\"prod\"]"); /* somebody ran it again */
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempts[0].reason, REASON_NONE);
    fixture_pass(&fixture, 3600000);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void deleted_one_is_waited_on(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    looked(&fixture, PREFECT_RUNNING, "{\"n\":1}", "[\"prod\"]");
    fixture_absent(&fixture);
    fixture_pass(&fixture, 1000);
    fixture_absent(&fixture);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_LOOKING);
    assert_string_equal(fixture_run(&fixture)->stages[0].record.attempts[0].message,
                        "the flow run was deleted in Prefect");
    fixture_release(&fixture);
}

static void crash_is_settled_before_it_decides(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    looked(&fixture, PREFECT_CRASHED, "{}", "[]");
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture.type = PREFECT_CRASHED;
    fixture.type_since = fixture.now.wall_ms;
    fixture_pass(&fixture, SETTLE_MS);
    fixture_seen(&fixture, PREFECT_CRASHED);
    assert_non_null(fixture_request(&fixture, REQUEST_LOOK));
    looked(&fixture, PREFECT_CRASHED, "{}", "[]");
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    assert_non_null(strstr(fixture_run(&fixture)->record.failure->message, "ended CRASHED"));
    fixture_release(&fixture);
}

static void long_known_crash_decides_at_once(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    FlowRun crashed = fixture_flow_run(&fixture, PREFECT_CRASHED);
    crashed.state_timestamp -= SETTLE_MS;
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){.flow_runs = &crashed, .flow_run_count = 1});
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    fixture_release(&fixture);
}

/* A completed flow run that began `before_ms` ago is the only one. */
static void look_back(const char *text, int64_t before_ms, State end)
{
    Fixture fixture;
    begin(&fixture, text);
    FlowRun completed = fixture_flow_run(&fixture, PREFECT_COMPLETED);
    completed.started_at -= before_ms;
    fixture_answer(&fixture, HAPPENED_LOOKED, (AnswerEvent){.flow_runs = &completed, .flow_run_count = 1});
    assert_int_equal(fixture_run(&fixture)->record.state, end);
    fixture_release(&fixture);
}

static void only_the_window_counts(void **state)
{
    (void)state;
    int64_t day_ms = 86400000, today_ms = (int64_t)START_WALL_MS * 1000 % day_ms;
    look_back(ONCE, day_ms, STATE_COMPLETED);
    look_back(ONCE, day_ms + 1, STATE_FAILED);
    look_back("name: x\nstages:\n- {name: a, observe: f/a}\n", today_ms, STATE_COMPLETED);
    look_back("name: x\nstages:\n- {name: a, observe: f/a}\n", today_ms + 1, STATE_FAILED);
    look_back("name: x\nstages:\n- {name: a, observe: f/a}\n", today_ms - day_ms, STATE_FAILED);
}

static void end_of_the_wait_needs_a_later_look(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, WATCH);
    fixture_pass(&fixture, 600000);
    FlowRun other = fixture_flow_run(&fixture, PREFECT_COMPLETED);
    AnswerEvent answer = {.flow_runs = &other, .flow_run_count = 1, .asked_boot_ms = fixture.now.boot_ms - 1};
    fixture_answer(&fixture, HAPPENED_LOOKED, answer);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_RUNNING);
    fixture_pass(&fixture, 5000);
    answer.asked_boot_ms = fixture.now.boot_ms;
    fixture_answer(&fixture, HAPPENED_LOOKED, answer);
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_NOT_OBSERVED);
    fixture_release(&fixture);
}

static void cancellation_by_somebody_is_theirs(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    looked(&fixture, PREFECT_CANCELLING, "{}", "[]");
    fixture_pass(&fixture, GRACE_MS);
    fixture_seen(&fixture, PREFECT_CANCELLING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    assert_int_equal(fixture_run(&fixture)->stages[0].record.phase, PHASE_WATCHING);
    fixture_release(&fixture);
}

static void one_flow_run_is_observed_by_several(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, ONCE);
    looked(&fixture, PREFECT_RUNNING, "{}", "[]");
    fixture_load(&fixture, "name: y\nstages:\n- {name: a, observe: f/a, within: 24h}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 2, .run_id = RUN_2});
    FlowRun running = fixture_flow_run(&fixture, PREFECT_RUNNING);
    fixture_answer(&fixture, HAPPENED_LOOKED,
                   (AnswerEvent){.run_id = RUN_2, .flow_runs = &running, .flow_run_count = 1});
    assert_int_equal(engine_watched_count(fixture.engine), 1);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    assert_int_equal(engine_run_find(fixture.engine, RUN_2)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completed_passes),
        cmocka_unit_test(others_do_not_count),
        cmocka_unit_test(match_has_templates),
        cmocka_unit_test(bad_end_is_waited_on),
        cmocka_unit_test(active_one_is_followed_beyond_the_wait),
        cmocka_unit_test(none_is_not_observed),
        cmocka_unit_test(cancelling_leaves_the_flow_run_alone),
        cmocka_unit_test(deployment_made_anew_is_found),
        cmocka_unit_test(other_flow_run_decides_after_a_bad_end),
        cmocka_unit_test(deleted_one_is_waited_on),
        cmocka_unit_test(crash_is_settled_before_it_decides),
        cmocka_unit_test(long_known_crash_decides_at_once),
        cmocka_unit_test(cancellation_by_somebody_is_theirs),
        cmocka_unit_test(one_flow_run_is_observed_by_several),
        cmocka_unit_test(only_the_window_counts),
        cmocka_unit_test(end_of_the_wait_needs_a_later_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
