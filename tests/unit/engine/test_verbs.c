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

static Phase phase_of(const Fixture *fixture, const char *path)
{
    const Run *run = fixture_run(fixture);
    return run->stages[definition_node_find(run->definition, path)].record.phase;
}

static void a_group_waits_before_what_it_begins_with(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n- name: g\n  parallel:\n  - {name: b, run: f/b}\n"
                           "  - name: c\n    stages:\n    - {name: d, run: f/d}\n    - {name: e, run: f/e}\n");
    fixture_start(&fixture);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "g")->kind, REPLY_STATE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_BLOCK, "g")->kind, REPLY_ACCEPTED);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_int_equal(phase_of(&fixture, "g/b"), PHASE_BLOCKED);
    assert_int_equal(phase_of(&fixture, "g/c/d"), PHASE_BLOCKED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "g/b")->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_BLOCK, "g")->kind, REPLY_STATE);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_BLOCK, "g/c/e")->kind, REPLY_ACCEPTED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "g")->kind, REPLY_ACCEPTED);
    assert_int_equal(phase_of(&fixture, "g/c/d"), PHASE_RESOLVING);
    assert_true(fixture_run(&fixture)->stages[5].record.blocked); /* g/c/e: what comes later is another matter */
    fixture_release(&fixture);
}

/* --- each verb in each state --- */

enum { VERBS = 6 };
static const HappeningKind verbs[VERBS] = {HAPPENED_CANCEL, HAPPENED_PAUSE, HAPPENED_RESUME,
                                           HAPPENED_BLOCK,  HAPPENED_STEP,  HAPPENED_RETRY};

static void nothing(Fixture *fixture)
{
    (void)fixture;
}

static void planned(Fixture *fixture)
{
    fixture_trigger(fixture, (TriggerEvent){.start_at = fixture->now.wall_ms + 60000});
}

static void scheduled(Fixture *fixture)
{
    fixture_trigger(fixture, (TriggerEvent){.token = 1});
}

static void running(Fixture *fixture)
{
    fixture_start(fixture);
    fixture_seen(fixture, PREFECT_RUNNING);
}

static void held(Fixture *fixture)
{
    fixture_trigger(fixture, (TriggerEvent){.paused = true});
}

static void cancelling(Fixture *fixture)
{
    running(fixture);
    fixture_verb(fixture, HAPPENED_CANCEL, NULL);
}

#define YES    REPLY_ACCEPTED
#define NO     REPLY_STATE
#define NOBODY REPLY_UNKNOWN_RUN
static const struct {
    void (*make)(Fixture *fixture); /* NULL: it has ended, or could not be taken up: only the journal has it */
    State state;
    ReplyKind replies[VERBS]; /* cancel, pause, resume, block, step, retry */
} cells[] = {
    {nothing, STATE_NEVER_RUN, {NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY}},
    {planned, STATE_SCHEDULED, {YES, YES, NO, YES, NO, NO}},
    {scheduled, STATE_SCHEDULED, {YES, YES, NO, YES, NO, NO}},
    {running, STATE_RUNNING, {YES, YES, NO, YES, NO, NO}},
    {held, STATE_PAUSED, {YES, YES, YES, YES, YES, NO}},
    {cancelling, STATE_CANCELLING, {YES, NO, NO, NO, NO, NO}},
    {NULL, STATE_COMPLETED, {NO, NO, NO, NO, NO, YES}},
    {NULL, STATE_FAILED, {NO, NO, NO, NO, NO, YES}},
    {NULL, STATE_CRASHED, {NO, NO, NO, NO, NO, YES}},
    {NULL, STATE_CANCELLED, {NO, NO, NO, NO, NO, YES}},
    {NULL, STATE_SKIPPED, {NO, NO, NO, NO, NO, YES}},
    {NULL, STATE_SCHEDULED, {NO, NO, NO, NO, NO, NO}},
    {NULL, STATE_RUNNING, {NO, NO, NO, NO, NO, NO}},
    {NULL, STATE_PAUSED, {NO, NO, NO, NO, NO, NO}},
    {NULL, STATE_CANCELLING, {NO, NO, NO, NO, NO, NO}},
};

static void check_cell(size_t row, size_t column)
{
    Fixture fixture;
    fixture_init(&fixture, TWO);
    Stage stages[2] = {{.record = {.node = 0}}, {.record = {.node = 1}}};
    Run ended = {.definition = fixture.definition, .stages = stages};
    ended.record = (RunRecord){.id = RUN_1,
                               .sendpost = fixture.definition->name,
                               .state = cells[row].state,
                               .parameters = (char *)(uintptr_t) "{}"};
    if (cells[row].make) {
        cells[row].make(&fixture);
    }
    VerbEvent verb = {.run_id = RUN_1, .new_run_id = RUN_2, .ended = cells[row].make ? NULL : &ended};
    verb.stage = verbs[column] == HAPPENED_BLOCK ? "b" : NULL;
    fixture_step(&fixture, &(Happening){.kind = verbs[column], .verb = verb});
    const Reply *reply = &fixture.actions.replies[0];
    assert_int_equal(reply->kind, cells[row].replies[column]);
    assert_true(reply->kind != NO || reply->state == cells[row].state);
    fixture_release(&fixture);
}

static void every_verb_has_an_answer_in_every_state(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof cells / sizeof *cells; row++) {
        for (size_t column = 0; column < VERBS; column++) {
            check_cell(row, column);
        }
    }
}

/* --- what Prefect paused --- */

static void paused_in_prefect(Fixture *fixture)
{
    fixture_init(fixture, TWO);
    fixture_start(fixture);
    fixture_seen(fixture, PREFECT_PAUSED);
}

static void answer_resume(Fixture *fixture, Outcome outcome)
{
    fixture_answer(fixture, HAPPENED_RESUME_ANSWERED,
                   (AnswerEvent){.attempt = 1, .outcome = outcome, .message = "why"});
}

static void what_prefect_paused_is_resumed(void **state)
{
    (void)state;
    Fixture fixture;
    paused_in_prefect(&fixture);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, NULL)->kind, REPLY_ACCEPTED);
    assert_string_equal(fixture_request(&fixture, REQUEST_RESUME)->flow_run_id, FLOW_RUN);
    answer_resume(&fixture, OUTCOME_OK);
    fixture_seen(&fixture, PREFECT_PAUSED); /* not seen yet */
    assert_null(fixture_request(&fixture, REQUEST_RESUME));
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_RUNNING);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "a")->kind, REPLY_STATE);
    fixture_release(&fixture);
}

static void a_lost_answer_resumes_the_same_pause_only(void **state)
{
    (void)state;
    Fixture fixture;
    paused_in_prefect(&fixture);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_RESUME, "a")->kind, REPLY_ACCEPTED);
    answer_resume(&fixture, OUTCOME_UNKNOWN);
    assert_null(fixture_request(&fixture, REQUEST_RESUME));
    fixture_pass(&fixture, 2000);
    fixture_seen(&fixture, PREFECT_PAUSED);
    assert_non_null(fixture_request(&fixture, REQUEST_RESUME));
    answer_resume(&fixture, OUTCOME_UNKNOWN);
    fixture_pass(&fixture, 2000);
    fixture.type = PREFECT_RUNNING; /* it went on meanwhile, and was paused again */
    fixture_seen(&fixture, PREFECT_PAUSED);
    assert_null(fixture_request(&fixture, REQUEST_RESUME));
    assert_int_equal(fixture_run(&fixture)->stages[0].record.attempts[0].resume_of, 0);
    fixture_release(&fixture);
}

static void a_resume_that_was_not_sent_is_sent_after_a_restart(void **state)
{
    (void)state;
    Fixture fixture;
    paused_in_prefect(&fixture);
    fixture_verb(&fixture, HAPPENED_RESUME, NULL);
    fixture_restart(&fixture, 1000);
    assert_non_null(fixture_request(&fixture, REQUEST_RESUME));
    fixture_release(&fixture);
}

static void prefect_says_why_it_does_not_resume(void **state)
{
    (void)state;
    Fixture fixture;
    paused_in_prefect(&fixture);
    fixture_verb(&fixture, HAPPENED_RESUME, NULL);
    answer_resume(&fixture, OUTCOME_REFUSED);
    answer_resume(&fixture, OUTCOME_OK); /* nobody waits for it any more */
    assert_string_equal(fixture_run(&fixture)->stages[0].record.message, "Prefect did not resume it: why");
    fixture_seen(&fixture, PREFECT_PAUSED);
    assert_null(fixture_request(&fixture, REQUEST_RESUME));
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

#define TIDIED "name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, when: always}\n"

/* A run that is being cancelled, and whose second stage, which runs always, is at work. */
static void tidying(Fixture *fixture)
{
    fixture_init(fixture, TIDIED);
    fixture_trigger(fixture, (TriggerEvent){.token = 1, .paused = true});
    fixture_verb(fixture, HAPPENED_CANCEL, NULL);
    fixture_resolve(fixture, "f/b");
    FlowRun running = fixture_flow_run(fixture, PREFECT_RUNNING);
    fixture_answer(fixture, HAPPENED_CREATED,
                   (AnswerEvent){.node = 1, .attempt = 1, .flow_runs = &running, .flow_run_count = 1});
    assert_int_equal(fixture_run(fixture)->record.state, STATE_CANCELLING);
    assert_int_equal(fixture_run(fixture)->stages[1].record.state, STATE_RUNNING);
}

static void second_cancel_stops_what_runs_always(void **state)
{
    (void)state;
    Fixture fixture;
    tidying(&fixture);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    for (int i = 0; i < 2; i++) { /* a third one changes nothing */
        assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
        assert_int_equal(fixture_request(&fixture, REQUEST_CANCEL) != NULL, i == 0);
    }
    const Run *run = fixture_run(&fixture);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(run->stages[1].record.state, STATE_CANCELLED);
    assert_int_equal(run->record.state, STATE_CANCELLED);
    assert_int_equal(run->record.reason, REASON_CANCELLED);
    fixture_release(&fixture);
}

/* Who asks twice at once does not take away what is to be tidied up. */
static void second_cancel_spares_what_has_not_begun(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, TIDIED);
    fixture_start(&fixture);
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->stages[1].record.state, STATE_WAITING);
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(run->stages[0].record.state, STATE_CANCELLED);
    assert_int_equal(run->stages[1].record.state, STATE_SCHEDULED);
    fixture_release(&fixture);
}

static void second_cancel_ends_what_was_blocked(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture,
                 "name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, when: always, blocked: true}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .paused = true});
    fixture_verb(&fixture, HAPPENED_CANCEL, NULL);
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->stages[1].record.state, STATE_BLOCKED);
    assert_int_equal(fixture_verb(&fixture, HAPPENED_CANCEL, NULL)->kind, REPLY_ACCEPTED);
    assert_int_equal(run->stages[1].record.state, STATE_SKIPPED);
    assert_int_equal(run->record.state, STATE_CANCELLED);
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
        cmocka_unit_test(a_group_waits_before_what_it_begins_with),
        cmocka_unit_test(every_verb_has_an_answer_in_every_state),
        cmocka_unit_test(what_prefect_paused_is_resumed),
        cmocka_unit_test(a_lost_answer_resumes_the_same_pause_only),
        cmocka_unit_test(a_resume_that_was_not_sent_is_sent_after_a_restart),
        cmocka_unit_test(prefect_says_why_it_does_not_resume),
        cmocka_unit_test(the_same_key_counts_once),
        cmocka_unit_test(blocked_time_counts_in_no_timeout),
        cmocka_unit_test(clock_that_is_set_moves_no_timeout),
        cmocka_unit_test(held_run_cleans_up_when_it_is_cancelled),
        cmocka_unit_test(second_cancel_stops_what_runs_always),
        cmocka_unit_test(second_cancel_spares_what_has_not_begun),
        cmocka_unit_test(second_cancel_ends_what_was_blocked),
        cmocka_unit_test(operator_may_cancel_what_timed_out),
        cmocka_unit_test(cancel_that_comes_too_late_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
