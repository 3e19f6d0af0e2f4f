/* SPDX-License-Identifier: Apache-2.0 */
/* A new run in the place of one that has ended: what it takes over, what it asks for first, what it runs again. */
#include "fixture.h"

#define CHAIN                                                                                                          \
    "name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, parameters: {of: \"${stages.a.flow_run_id}\"}}\n"
#define FLOW_RUN_B "00000000-0000-4000-8000-0000000000fb"

/* A run as the journal gives it back; NULL stages were never reached. */
typedef struct Ended {
    Run run;
    Stage stages[8];
    AttemptRecord attempts[8];
} Ended;

static const Run *ended(Ended *old, Definition *definition, const State *states)
{
    *old = (Ended){.run = {.definition = definition, .stages = old->stages}};
    old->run.record = (RunRecord){.id = RUN_1,
                                  .sendpost = definition->name,
                                  .state = STATE_FAILED,
                                  .reason = REASON_FAILED,
                                  .for_at = 86400000,
                                  .parameters = (char *)(uintptr_t) "{}",
                                  .revision = (char *)(uintptr_t) "r0"};
    for (size_t i = 0; i < definition->node_count; i++) {
        bool ran = states[i] != STATE_SKIPPED && node_is_leaf(&definition->nodes[i]);
        old->attempts[i] = (AttemptRecord){
            .number = 1,
            .state = states[i],
            .key = (char *)(uintptr_t) "key",
            .body = (char *)(uintptr_t) "{}",
            .flow_run_id = (char *)(uintptr_t)(i ? FLOW_RUN_B : FLOW_RUN),
            .deployment_id = (char *)(uintptr_t)DEPLOYMENT,
        };
        old->stages[i].record = (StageRecord){.node = (int)i,
                                              .phase = PHASE_ENDED,
                                              .state = states[i],
                                              .attempts = &old->attempts[i],
                                              .attempt_count = ran ? 1 : 0};
    }
    return &old->run;
}

static const Reply *retry(Fixture *fixture, const Run *old, VerbEvent verb)
{
    verb.run_id = RUN_1;
    verb.ended = old;
    verb.new_run_id = verb.new_run_id ? verb.new_run_id : RUN_2;
    fixture_step(fixture, &(Happening){.kind = HAPPENED_RETRY, .verb = verb});
    assert_int_equal(fixture->actions.reply_count, 1);
    return &fixture->actions.replies[0];
}

static const Run *retried(Fixture *fixture, const Run *old, const char *from)
{
    const Reply *reply = retry(fixture, old, (VerbEvent){.from = from});
    assert_int_equal(reply->kind, REPLY_ACCEPTED);
    assert_string_equal(reply->run_id, RUN_2);
    return engine_run_find(fixture->engine, RUN_2);
}

static void asked(Fixture *fixture, int node, AnswerEvent answer)
{
    answer.run_id = RUN_2;
    answer.node = node;
    fixture_answer(fixture, HAPPENED_ASKED, answer);
}

static void asked_and_found(Fixture *fixture, int node, PrefectType type)
{
    FlowRun flow_run = fixture_flow_run(fixture, type);
    flow_run.id = (char *)(uintptr_t)FLOW_RUN_B;
    asked(fixture, node, (AnswerEvent){.flow_runs = &flow_run, .flow_run_count = 1});
}

static const State b_failed[] = {STATE_COMPLETED, STATE_FAILED};

static void what_was_completed_is_taken_over(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    assert_int_equal(run->record.trigger, TRIGGER_RETRY);
    assert_string_equal(run->record.retry_of, RUN_1);
    assert_int_equal(run->record.for_at, 86400000);
    assert_string_equal(run->record.revision, "r0");
    const StageRecord *a = &run->stages[0].record;
    assert_true(a->taken_over && a->state == STATE_COMPLETED && a->attempt_count == 1);
    assert_null(a->attempts[0].key);
    assert_string_equal(a->message, "taken over from run " RUN_1);
    const RetryRecord *record = &fixture.actions.changes.retries[0];
    assert_int_equal(fixture.actions.changes.retry_count, 1);
    assert_string_equal(record->run_id, RUN_1);
    assert_string_equal(record->retried_by, RUN_2);
    fixture_release(&fixture);
}

static void what_failed_is_asked_for_and_runs_again(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    assert_string_equal(fixture_request(&fixture, REQUEST_ASK)->flow_run_id, FLOW_RUN_B);
    asked_and_found(&fixture, 1, PREFECT_FAILED);
    fixture_resolve(&fixture, "f/b");
    const Request *create = fixture_request(&fixture, REQUEST_CREATE);
    assert_non_null(strstr(create->key, RUN_2));
    assert_non_null(strstr(create->body, "{\"of\":\"" FLOW_RUN "\"}"));
    assert_int_equal(run->stages[1].record.attempts[0].number, 1);
    fixture_release(&fixture);
}

static void what_was_completed_by_hand_is_taken_over_too(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    asked_and_found(&fixture, 1, PREFECT_COMPLETED);
    assert_int_equal(run->record.state, STATE_COMPLETED);
    const StageRecord *b = &run->stages[1].record;
    assert_true(b->taken_over && b->state == STATE_COMPLETED);
    assert_string_equal(b->attempts[0].flow_run_id, FLOW_RUN_B);
    assert_null(fixture_request(&fixture, REQUEST_CREATE));
    assert_int_equal(engine_sendpost_at(fixture.engine, 0)->stages[1].totals.ended, 0);
    fixture_release(&fixture);
}

/* Somebody runs it again in Prefect: another one beside it would do the same twice. */
static void what_is_at_work_again_is_waited_for(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    asked_and_found(&fixture, 1, PREFECT_RUNNING);
    assert_non_null(strstr(run->stages[1].record.message, "which is RUNNING again"));
    fixture_pass(&fixture, 4999);
    assert_null(fixture_request(&fixture, REQUEST_ASK));
    fixture_pass(&fixture, 1);
    assert_non_null(fixture_request(&fixture, REQUEST_ASK));
    asked_and_found(&fixture, 1, PREFECT_CRASHED);
    assert_null(run->stages[1].record.message);
    assert_int_equal(run->stages[1].record.phase, PHASE_RESOLVING);
    fixture_release(&fixture);
}

static void what_was_left_to_itself_is_not_waited_for(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n"
                           "- {name: b, run: f/b, timeout: 1m, on_timeout: leave}\n");
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    asked_and_found(&fixture, 1, PREFECT_RUNNING);
    assert_int_equal(run->stages[1].record.phase, PHASE_RESOLVING);
    fixture_release(&fixture);
}

static void no_answer_decides_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    asked(&fixture, 1, (AnswerEvent){.outcome = OUTCOME_UNKNOWN});
    assert_int_equal(run->stages[1].record.phase, PHASE_ASKING);
    fixture_pass(&fixture, 1000);
    assert_non_null(fixture_request(&fixture, REQUEST_ASK));
    asked(&fixture, 1, (AnswerEvent){0}); /* missed once is not believed */
    assert_int_equal(run->stages[1].record.phase, PHASE_ASKING);
    fixture_pass(&fixture, 1000);
    asked(&fixture, 1, (AnswerEvent){0});
    assert_int_equal(run->stages[1].record.phase, PHASE_RESOLVING);
    asked_and_found(&fixture, 1, PREFECT_COMPLETED); /* too late: it runs already */
    assert_int_equal(run->stages[1].record.phase, PHASE_RESOLVING);
    fixture_release(&fixture);
}

static void cancelled_while_asking(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, b_failed), NULL);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_CANCEL, .verb = {.run_id = RUN_2}});
    assert_int_equal(run->record.state, STATE_CANCELLED);
    assert_int_equal(run->stages[1].record.state, STATE_CANCELLED);
    fixture_release(&fixture);
}

/* What became of the flow run is still to be asked, however often the asking was cut off. */
static void the_flow_run_of_the_run_before_the_last(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State cut_off[] = {STATE_COMPLETED, STATE_CANCELLED};
    fixture_init(&fixture, CHAIN);
    ended(&old, fixture.definition, cut_off);
    old.stages[1].record.attempt_count = 0;
    old.stages[1].record.former_flow_run = (char *)(uintptr_t) "further back";
    retried(&fixture, &old.run, NULL);
    assert_string_equal(fixture_request(&fixture, REQUEST_ASK)->flow_run_id, "further back");
    fixture_release(&fixture);
}

static void a_completed_run_has_nothing_left_to_do(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State all[] = {STATE_COMPLETED, STATE_COMPLETED};
    fixture_init(&fixture, CHAIN);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, all), NULL);
    assert_int_equal(run->record.state, STATE_COMPLETED);
    assert_int_equal(fixture.actions.request_count, 0);
    fixture_release(&fixture);
}

static void what_answers_to_an_outcome_runs_again_with_it(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State states[] = {STATE_COMPLETED, STATE_SKIPPED, STATE_FAILED, STATE_COMPLETED, STATE_COMPLETED};
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n- {name: sorry, run: f/s, when: failure}\n"
                           "- {name: b, run: f/b, needs: [a]}\n- {name: report, run: f/r, when: always, needs: [b]}\n"
                           "- {name: tidy, run: f/t, when: always, needs: [sorry]}\n");
    const Run *run = retried(&fixture, ended(&old, fixture.definition, states), NULL);
    assert_int_equal(run->stages[1].record.state, STATE_SKIPPED);
    assert_false(run->stages[1].record.taken_over);
    assert_int_equal(run->stages[3].record.state, STATE_WAITING);
    assert_true(run->stages[4].record.taken_over);
    fixture_release(&fixture);
}

#define FORKED                                                                                                         \
    "name: x\nstages:\n- {name: a, run: f/a}\n- name: p\n  parallel:\n  - {name: l, run: f/l}\n  - {name: r, run: "    \
    "f/r}\n- {name: z, run: f/z}\n"

static void from_a_stage(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State states[] = {STATE_FAILED, STATE_FAILED, STATE_COMPLETED, STATE_FAILED, STATE_COMPLETED};
    fixture_init(&fixture, FORKED);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, states), "p/l");
    assert_string_equal(run->record.from, "p/l");
    assert_true(run->stages[0].record.taken_over); /* before: done, whatever became of it */
    assert_int_equal(run->stages[0].record.state, STATE_SKIPPED);
    assert_int_equal(run->stages[2].record.phase, PHASE_RESOLVING); /* there: again, and nobody is asked */
    assert_int_equal(run->stages[3].record.phase, PHASE_ASKING);    /* beside it: as in any retry */
    assert_int_equal(run->stages[4].record.state, STATE_WAITING);   /* after: again */
    assert_false(run->stages[4].record.taken_over);
    fixture_release(&fixture);
}

static void from_a_group(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State states[] = {STATE_COMPLETED, STATE_COMPLETED, STATE_COMPLETED, STATE_COMPLETED, STATE_COMPLETED};
    fixture_init(&fixture, FORKED);
    const Run *run = retried(&fixture, ended(&old, fixture.definition, states), "p");
    assert_true(run->stages[0].record.taken_over && run->stages[0].record.state == STATE_COMPLETED);
    assert_false(run->stages[2].record.taken_over || run->stages[3].record.taken_over ||
                 run->stages[4].record.taken_over);
    fixture_release(&fixture);
}

/* Skipped as it came before `from`: it is still done. */
static void what_was_taken_over_before_is_again(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    static const State states[] = {STATE_SKIPPED, STATE_FAILED};
    fixture_init(&fixture, CHAIN);
    ended(&old, fixture.definition, states);
    old.stages[0].record.taken_over = true;
    const Run *run = retried(&fixture, &old.run, NULL);
    assert_true(run->stages[0].record.taken_over && run->stages[0].record.state == STATE_SKIPPED);
    fixture_release(&fixture);
}

static void by_todays_definition(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    Definition *before = definition_hold(fixture.definition);
    fixture_load(&fixture,
                 "name: x\nparameters: {limit: {type: integer, default: 3}}\nstages:\n- {name: new, run: f/n}\n"
                 "- {name: a, run: f/a}\n");
    const Run *run;
    retry(&fixture, ended(&old, before, b_failed), (VerbEvent){.current = true});
    run = engine_run_find(fixture.engine, RUN_2);
    assert_string_equal(run->record.definition_sha256, fixture.definition->sha256);
    assert_string_equal(run->record.revision, "r1");
    assert_string_equal(run->record.parameters, "{\"limit\":3}");
    assert_int_equal(run->stages[0].record.phase, PHASE_RESOLVING);
    assert_true(run->stages[1].record.taken_over);
    definition_release(before);
    fixture_release(&fixture);
}

static void refusals(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    const Run *run = ended(&old, fixture.definition, b_failed);
    assert_int_equal(retry(&fixture, run, (VerbEvent){.from = "nowhere"})->kind, REPLY_UNKNOWN_STAGE);
    old.run.record.parameters = (char *)(uintptr_t) "{\"gone\":1}";
    const Reply *reply = retry(&fixture, run, (VerbEvent){.current = true});
    assert_int_equal(reply->kind, REPLY_PARAMETERS);
    assert_int_equal(reply->faults.count, 1);
    old.run.definition = NULL;
    reply = retry(&fixture, run, (VerbEvent){0});
    assert_int_equal(reply->kind, REPLY_STATE);
    assert_non_null(strstr(reply->detail, "can no longer be read"));
    old.run.record.sendpost = (char *)(uintptr_t) "gone";
    reply = retry(&fixture, run, (VerbEvent){0});
    assert_int_equal(reply->kind, REPLY_UNKNOWN_SENDPOST);
    assert_string_equal(reply->detail, "gone");
    memcpy(old.run.record.retried_by, RUN_2, UUID_SIZE);
    reply = retry(&fixture, run, (VerbEvent){0});
    assert_int_equal(reply->kind, REPLY_RETRIED);
    assert_string_equal(reply->run_id, RUN_2);
    assert_null(engine_run_find(fixture.engine, RUN_2));
    fixture_release(&fixture);
}

static void refused_like_any_trigger(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, "name: x\nenabled: false\nstages:\n- {name: a, run: f/a}\n");
    const Reply *reply = retry(&fixture, ended(&old, fixture.definition, b_failed), (VerbEvent){0});
    assert_int_equal(reply->kind, REPLY_DISABLED);
    assert_string_equal(reply->detail, "x");
    fixture_load(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n");
    fixture_trigger(&fixture, (TriggerEvent){.run_id = "00000000-0000-7000-8000-000000000003"});
    reply = retry(&fixture, ended(&old, fixture.definition, b_failed), (VerbEvent){0});
    assert_int_equal(reply->kind, REPLY_RUNNING);
    assert_string_equal(reply->run_id, "00000000-0000-7000-8000-000000000003");
    assert_int_equal(engine_sendpost_at(fixture.engine, 0)->totals.refused[REFUSAL_RUNNING], 1);
    fixture_release(&fixture);
}

/* Of a run that ended in this very turn, the journal says nothing yet. */
static void two_at_once(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, CHAIN);
    fixture_trigger(&fixture, (TriggerEvent){.paused = true});
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    const char *ids[] = {RUN_2, "00000000-0000-7000-8000-000000000003"};
    for (size_t i = 0; i < 2; i++) {
        VerbEvent verb = {.token = i, .run_id = RUN_1, .new_run_id = ids[i]};
        engine_step(fixture.engine, &(Happening){.kind = HAPPENED_RETRY, .verb = verb}, fixture.now, &fixture.actions);
    }
    assert_int_equal(fixture.actions.replies[1].kind, REPLY_ACCEPTED);
    assert_int_equal(fixture.actions.replies[2].kind, REPLY_RETRIED);
    assert_string_equal(fixture.actions.replies[2].run_id, RUN_2);
    assert_int_equal(fixture.actions.changes.retry_count, 1);
    fixture_release(&fixture);
}

static void the_same_key_retries_once(void **state)
{
    (void)state;
    Fixture fixture;
    Ended old;
    fixture_init(&fixture, CHAIN);
    RequestKey key = {.scope = RUN_1 "/retry", .key = "k", .digest = "d"};
    VerbEvent verb = {.run_id = RUN_1,
                      .ended = ended(&old, fixture.definition, b_failed),
                      .new_run_id = RUN_2,
                      .keys = &key,
                      .key_count = 1};
    for (int i = 0; i < 2; i++) {
        engine_step(fixture.engine, &(Happening){.kind = HAPPENED_RETRY, .verb = verb}, fixture.now, &fixture.actions);
    }
    assert_int_equal(fixture.actions.replies[0].kind, REPLY_ACCEPTED);
    assert_int_equal(fixture.actions.replies[1].kind, REPLY_REPEATED);
    assert_string_equal(fixture.actions.replies[1].run_id, RUN_2);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_completed_is_taken_over),
        cmocka_unit_test(what_failed_is_asked_for_and_runs_again),
        cmocka_unit_test(what_was_completed_by_hand_is_taken_over_too),
        cmocka_unit_test(what_is_at_work_again_is_waited_for),
        cmocka_unit_test(what_was_left_to_itself_is_not_waited_for),
        cmocka_unit_test(no_answer_decides_nothing),
        cmocka_unit_test(cancelled_while_asking),
        cmocka_unit_test(the_flow_run_of_the_run_before_the_last),
        cmocka_unit_test(a_completed_run_has_nothing_left_to_do),
        cmocka_unit_test(what_answers_to_an_outcome_runs_again_with_it),
        cmocka_unit_test(from_a_stage),
        cmocka_unit_test(from_a_group),
        cmocka_unit_test(what_was_taken_over_before_is_again),
        cmocka_unit_test(by_todays_definition),
        cmocka_unit_test(refusals),
        cmocka_unit_test(refused_like_any_trigger),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(the_same_key_retries_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
