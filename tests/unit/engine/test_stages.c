/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "engine/groups.h"

/* Every leaf's deployment has an id of its own, and every flow run: both end in the number of the node. */
static const char *numbered(int node, char kind)
{
    static char ids[4][UUID_SIZE];
    static int next;
    char *id = ids[next++ % 4];
    snprintf(id, UUID_SIZE, "00000000-0000-4000-8000-0000000000%c%d", kind, node);
    return id;
}

/* Answers all that is asked until nothing is: each stage ends as `ends` says by its node. */
static void live(Fixture *fixture, const PrefectType *ends)
{
    for (bool asked = true; asked;) {
        asked = false;
        for (int node = 0; node < (int)fixture->definition->node_count; node++) {
            const Stage *stage = &fixture_run(fixture)->stages[node];
            const Node *definition = &fixture->definition->nodes[node];
            if (!node_is_leaf(definition) || fixture_run(fixture)->ended) {
                continue;
            }
            if (stage->record.phase == PHASE_RESOLVING && stage->in_flight) {
                fixture_answer(
                    fixture, HAPPENED_RESOLVED,
                    (AnswerEvent){.reference = definition->deployment, .deployment_id = numbered(node, 'd')});
                asked = true;
            } else if (stage->record.phase == PHASE_CREATING) {
                FlowRun flow_run = fixture_flow_run(fixture, PREFECT_RUNNING);
                flow_run.id = (char *)(uintptr_t)numbered(node, 'f');
                fixture_answer(fixture, HAPPENED_CREATED,
                               (AnswerEvent){.node = node, .attempt = 1, .flow_runs = &flow_run, .flow_run_count = 1});
                asked = true;
            } else if (stage->record.phase == PHASE_WATCHING) {
                FlowRun flow_run = fixture_flow_run(fixture, stage->record.cut ? PREFECT_CANCELLED : ends[node]);
                flow_run.id = (char *)(uintptr_t)numbered(node, 'f');
                fixture_answer(fixture, HAPPENED_POLLED, (AnswerEvent){.flow_runs = &flow_run, .flow_run_count = 1});
                asked = true;
            } else if (stage->record.phase == PHASE_REPORTING && stage->in_flight) {
                fixture_answer(fixture, HAPPENED_REPORTED,
                               (AnswerEvent){.node = node, .attempt = 1, .report = {.logs = "[]", .complete = true}});
                asked = true;
            }
        }
    }
}

#define GOOD PREFECT_COMPLETED
#define BAD  PREFECT_FAILED

static void check(const char *text, const PrefectType *ends, State run, const char *states)
{
    Fixture fixture;
    fixture_init(&fixture, text);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    live(&fixture, ends);
    assert_string_equal(state_names[fixture_run(&fixture)->record.state], state_names[run]);
    Buffer found;
    buffer_init(&found, 4096);
    for (size_t i = 0; i < fixture.definition->node_count; i++) {
        const char *name = state_names[fixture_run(&fixture)->stages[i].record.state];
        buffer_format(&found, "%s%s", i ? " " : "", name);
    }
    assert_string_equal(found.bytes, states);
    buffer_release(&found);
    fixture_release(&fixture);
}

static void what_follows_a_failure(void **state)
{
    (void)state;
    check("name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n- {name: c, run: f/c, when: always}\n"
          "- {name: d, run: f/d, when: failure}\n- {name: e, run: f/e}\n",
          (PrefectType[]){BAD, GOOD, GOOD, GOOD, GOOD}, STATE_FAILED, "failed skipped completed completed skipped");
}

static void what_follows_a_success(void **state)
{
    (void)state;
    check("name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, when: failure}\n- {name: c, run: f/c}\n",
          (PrefectType[]){GOOD, GOOD, GOOD}, STATE_COMPLETED, "completed skipped completed");
}

static void allowed_failure_fails_nothing(void **state)
{
    (void)state;
    check("name: x\nstages:\n- {name: a, run: f/a, allow_failure: true}\n- {name: b, run: f/b}\n",
          (PrefectType[]){BAD, GOOD}, STATE_COMPLETED, "failed completed");
}

static void siblings_finish(void **state)
{
    (void)state;
    check("name: x\nstages:\n- name: p\n  parallel:\n  - {name: a, run: f/a}\n  - {name: b, run: f/b}\n"
          "- {name: c, run: f/c}\n",
          (PrefectType[]){0, BAD, GOOD, GOOD}, STATE_FAILED, "failed failed completed skipped");
}

static void siblings_are_cancelled(void **state)
{
    (void)state;
    check("name: x\nstages:\n- name: p\n  on_failure: cancel\n  parallel:\n  - {name: a, run: f/a}\n"
          "  - name: b\n    stages:\n    - {name: b1, run: f/b1}\n    - {name: b2, run: f/b2}\n",
          (PrefectType[]){0, BAD, 0, PREFECT_RUNNING, GOOD}, STATE_FAILED, "failed failed cancelled cancelled skipped");
}

static void crash_in_a_group(void **state)
{
    (void)state;
    check("name: x\nstages:\n- name: p\n  stages:\n  - {name: a, run: f/a}\n  - {name: b, run: f/b}\n",
          (PrefectType[]){0, GOOD, BAD}, STATE_FAILED, "failed completed failed");
}

static void one_branch_at_a_time(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  max_concurrent: 1\n  parallel:\n  - {name: a, run: f/a}\n"
                           "  - {name: b, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    assert_int_equal(fixture_run(&fixture)->stages[1].record.state, STATE_SCHEDULED);
    assert_int_equal(fixture_run(&fixture)->stages[2].record.state, STATE_WAITING);
    live(&fixture, (PrefectType[]){0, GOOD, GOOD});
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void from_skips_what_comes_before(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n- {name: c, run: f/c}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .from = "b"});
    live(&fixture, (PrefectType[]){GOOD, GOOD, GOOD});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->stages[0].record.state, STATE_SKIPPED);
    assert_int_equal(run->stages[1].record.state, STATE_COMPLETED);
    assert_int_equal(run->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void run_timeout_cancels_what_is_active(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\ntimeout: 10m\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n"
                           "- {name: c, run: f/c, when: always}\n");
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_RUNNING);
    fixture_pass(&fixture, 600000);
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_CANCELLING);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_RUNNING);
    assert_non_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_seen(&fixture, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->stages[2].record.state, STATE_SCHEDULED);
    live(&fixture, (PrefectType[]){GOOD, GOOD, GOOD});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->record.state, STATE_FAILED);
    assert_int_equal(run->record.reason, REASON_TIMED_OUT);
    assert_string_equal(run->record.failure->stage, "a");
    assert_int_equal(run->stages[0].record.reason, REASON_TIMED_OUT);
    assert_int_equal(run->stages[2].record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

/* The flow run of `node` exists, and is of this type. */
static void create(Fixture *fixture, int node, PrefectType type)
{
    fixture_resolve(fixture, fixture->definition->nodes[node].deployment);
    FlowRun flow_run = fixture_flow_run(fixture, type);
    flow_run.id = (char *)(uintptr_t)numbered(node, 'f');
    fixture_answer(fixture, HAPPENED_CREATED,
                   (AnswerEvent){.node = node, .attempt = 1, .flow_runs = &flow_run, .flow_run_count = 1});
}

static void one_place_is_lent_to_what_it_waits_for(void **state)
{
    (void)state;
    check("name: x\nstages:\n- name: p\n  max_concurrent: 1\n  parallel:\n  - name: a\n    stages:\n"
          "    - {name: a1, run: f/a}\n    - {name: a2, run: f/a, needs: [p/b]}\n  - {name: b, run: f/b}\n",
          (PrefectType[]){0, 0, GOOD, GOOD, GOOD}, STATE_COMPLETED,
          "completed completed completed completed completed");
}

static void begun_branch_goes_on_before_others_begin(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  max_concurrent: 1\n  parallel:\n  - {name: a, run: f/a}\n"
                           "  - name: b\n    stages:\n    - {name: b1, run: f/b}\n    - {name: b2, run: f/b}\n"
                           "  - {name: c, run: f/c}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    const Stage *stages = fixture_run(&fixture)->stages;
    for (int node = 1; node <= 5; node += node == 1 ? 2 : 1) { /* a, b1, b2, c: one after the other */
        for (int other = 1; other <= 5; other++) {
            bool at_work = stages[other].record.phase > PHASE_BLOCKED && stages[other].record.phase != PHASE_ENDED;
            assert_int_equal(at_work, other == node);
        }
        create(&fixture, node, GOOD);
    }
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

static void from_takes_other_branches_as_done(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- {name: a, run: f/a}\n- name: p\n  parallel:\n  - {name: b, run: f/b}\n"
                           "  - {name: c, run: f/c}\n- {name: d, run: f/d}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .from = "p/c"});
    live(&fixture, (PrefectType[]){GOOD, 0, GOOD, GOOD, GOOD});
    const Run *run = fixture_run(&fixture);
    assert_true(run->stages[0].record.taken_over && run->stages[2].record.taken_over);
    assert_int_equal(run->stages[3].record.state, STATE_COMPLETED);
    assert_int_equal(run->stages[4].record.state, STATE_COMPLETED);
    assert_int_equal(run->record.state, STATE_COMPLETED);
    fixture_release(&fixture);
}

/* Ways of needs through a mesh are more than can be walked. */
static void from_is_quick_in_a_mesh(void **state)
{
    (void)state;
    enum { LAYERS = 40, WIDTH = 8 };
    auto_buffer text;
    buffer_init(&text, 1 << 20);
    buffer_text(&text, "name: x\nstages:\n");
    for (int i = 0; i < LAYERS; i++) {
        buffer_format(&text, "- name: p%d\n  parallel:\n", i);
        for (int j = 0; j < WIDTH; j++) {
            buffer_format(&text, "  - {name: s%d, run: f/a}\n", j);
        }
    }
    Fixture fixture;
    fixture_init(&fixture, text.bytes);
    fixture_trigger(&fixture, (TriggerEvent){.token = 1, .from = "p39/s7"});
    int taken_over = 0;
    for (size_t i = 0; i < fixture.definition->node_count; i++) {
        taken_over += fixture_run(&fixture)->stages[i].record.taken_over;
    }
    assert_int_equal(taken_over, LAYERS * WIDTH - 1);
    fixture_release(&fixture);
}

static void siblings_that_clean_up_are_spared(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  on_failure: cancel\n  parallel:\n  - {name: a, run: f/a}\n"
                           "  - {name: b, run: f/b, when: always}\n  - {name: c, run: f/c}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    create(&fixture, 2, PREFECT_RUNNING);
    create(&fixture, 3, PREFECT_RUNNING);
    create(&fixture, 1, PREFECT_CANCELLED);
    assert_int_equal(fixture_run(&fixture)->stages[2].record.cut, CUT_NONE);
    assert_int_equal(fixture_run(&fixture)->stages[3].record.cut, CUT_SIBLING);
    assert_int_equal(fixture_request(&fixture, REQUEST_CANCEL)->node, 3);
    fixture_release(&fixture);
}

static void the_first_failure_is_the_runs(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture,
                 "name: x\nstages:\n- name: p\n  parallel:\n  - {name: a, run: f/a}\n  - {name: b, run: f/b}\n"
                 "- {name: c, run: f/c, when: always}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    live(&fixture, (PrefectType[]){0, BAD, PREFECT_CANCELLED, BAD});
    assert_int_equal(fixture_run(&fixture)->record.state, STATE_FAILED);
    /* b was cancelled at once; the report of a came later */
    assert_string_equal(fixture_run(&fixture)->record.failure->stage, "p/b");
    assert_int_equal(fixture_run(&fixture)->record.reason, REASON_CANCELLED);
    fixture_release(&fixture);
}

static void one_poll_is_seen_whole(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  on_failure: cancel\n  parallel:\n  - {name: a, run: f/a}\n"
                           "  - {name: b, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    create(&fixture, 1, PREFECT_RUNNING);
    create(&fixture, 2, PREFECT_RUNNING);
    FlowRun flow_runs[2] = {fixture_flow_run(&fixture, PREFECT_CANCELLED), fixture_flow_run(&fixture, GOOD)};
    flow_runs[0].id = (char *)(uintptr_t)numbered(1, 'f');
    flow_runs[1].id = (char *)(uintptr_t)numbered(2, 'f');
    fixture_answer(&fixture, HAPPENED_POLLED, (AnswerEvent){.flow_runs = flow_runs, .flow_run_count = 2});
    const Run *run = fixture_run(&fixture);
    assert_int_equal(run->stages[1].record.state, STATE_CANCELLED);
    assert_int_equal(run->stages[2].record.state, STATE_COMPLETED);
    assert_null(fixture_request(&fixture, REQUEST_CANCEL));
    fixture_release(&fixture);
}

static void others_that_are_ready_wait_for_a_begun_branch(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: x\nstages:\n- name: p\n  max_concurrent: 1\n  parallel:\n"
                           "  - {name: c, run: f/c, needs: [p/b/b1]}\n"
                           "  - name: b\n    stages:\n    - {name: b1, run: f/b}\n    - {name: b2, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.token = 1});
    create(&fixture, 3, GOOD);
    assert_int_equal(fixture_run(&fixture)->stages[1].record.phase, PHASE_WAITING);
    assert_int_equal(fixture_run(&fixture)->stages[4].record.phase, PHASE_CREATING);
    fixture_release(&fixture);
}

static void the_state_of_a_group(void **state)
{
    (void)state;
    static const struct {
        State leaves[3], group;
    } cases[] = {
        {{STATE_NEVER_RUN, STATE_NEVER_RUN, STATE_NEVER_RUN}, STATE_NEVER_RUN},
        {{STATE_COMPLETED, STATE_NEVER_RUN, STATE_COMPLETED}, STATE_COMPLETED}, /* that one is new in the definition */
        {{STATE_SKIPPED, STATE_SKIPPED, STATE_SKIPPED}, STATE_SKIPPED},
        {{STATE_WAITING, STATE_SKIPPED, STATE_WAITING}, STATE_WAITING},
        {{STATE_WAITING, STATE_COMPLETED, STATE_WAITING}, STATE_RUNNING},
        {{STATE_WAITING, STATE_SKIPPED, STATE_BLOCKED}, STATE_BLOCKED},
        {{STATE_PENDING, STATE_SKIPPED, STATE_BLOCKED}, STATE_RUNNING},
        {{STATE_COMPLETED, STATE_FAILED, STATE_CRASHED}, STATE_FAILED},
        {{STATE_COMPLETED, STATE_CANCELLED, STATE_SKIPPED}, STATE_CANCELLED},
    };
    Definition *definition = fixture_read("name: x\nstages:\n- name: g\n  parallel:\n  - {name: a, run: f/a}\n"
                                          "  - {name: b, run: f/b}\n  - {name: c, run: f/c}\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        State states[4] = {STATE_NEVER_RUN};
        memcpy(states + 1, cases[i].leaves, sizeof cases[i].leaves);
        assert_int_equal(group_state(definition, states, 0), cases[i].group);
    }
    definition_release(definition);
}

static void a_group_that_waits_shows_what_was_taken_over(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture,
                 "name: x\nstages:\n- name: g\n  parallel:\n  - {name: a, run: f/a}\n- {name: b, run: f/b}\n");
    fixture_trigger(&fixture, (TriggerEvent){.from = "b", .start_at = fixture.now.wall_ms + 60000});
    assert_int_equal(fixture_run(&fixture)->stages[0].record.state, STATE_SKIPPED);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_a_failure),
        cmocka_unit_test(what_follows_a_success),
        cmocka_unit_test(allowed_failure_fails_nothing),
        cmocka_unit_test(siblings_finish),
        cmocka_unit_test(siblings_are_cancelled),
        cmocka_unit_test(crash_in_a_group),
        cmocka_unit_test(one_branch_at_a_time),
        cmocka_unit_test(from_skips_what_comes_before),
        cmocka_unit_test(run_timeout_cancels_what_is_active),
        cmocka_unit_test(one_place_is_lent_to_what_it_waits_for),
        cmocka_unit_test(begun_branch_goes_on_before_others_begin),
        cmocka_unit_test(from_takes_other_branches_as_done),
        cmocka_unit_test(from_is_quick_in_a_mesh),
        cmocka_unit_test(siblings_that_clean_up_are_spared),
        cmocka_unit_test(the_first_failure_is_the_runs),
        cmocka_unit_test(one_poll_is_seen_whole),
        cmocka_unit_test(others_that_are_ready_wait_for_a_begun_branch),
        cmocka_unit_test(the_state_of_a_group),
        cmocka_unit_test(a_group_that_waits_shows_what_was_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
