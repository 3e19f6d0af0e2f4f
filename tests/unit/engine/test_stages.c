/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

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
    assert_int_equal(run->stages[2].record.state, STATE_COMPLETED);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
