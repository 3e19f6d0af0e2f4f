/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shapes.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char text_x[] = "flow-run-1", text_name[] = "daily/one #2", text_prefect[] = "Running", text_said[] = "said";
static char text_deployment[] = "dep-1", text_parameters[] = "{\"a\":1}", text_sendpost[] = "daily",
            text_stage[] = "one";
static char text_logs[] = "[{\"level\":40}]", text_task[] = "explode";

static const ShapeContext context = {.ui_url = "http://ui"};

static Definition *read(const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    findings_release(&findings);
    return definition;
}

static char *shaped(const Run *run)
{
    Buffer out;
    JsonWriter writer;
    buffer_init(&out, 1 << 20);
    json_writer_init(&writer, &out);
    shape_run(&writer, run, &context);
    Error error = {0};
    auto_json *json = json_parse(out.bytes, out.length, &error);
    assert_non_null(json);
    return buffer_take(&out);
}

static void test_a_stage_at_its_second_attempt(void **state)
{
    (void)state;
    AttemptRecord attempts[] = {
        {.number = 1, .state = STATE_FAILED, .reason = REASON_REJECTED},
        {.number = 2,
         .state = STATE_RUNNING,
         .flow_run_id = text_x,
         .flow_run_name = text_name,
         .adopted = true,
         .prefect_type = PREFECT_RUNNING,
         .prefect_name = text_prefect,
         .prefect_timestamp = 2000,
         .started_at = 2000},
    };
    Stage stage = {.record = {.state = STATE_RUNNING,
                              .attempts = attempts,
                              .attempt_count = 2,
                              .started_at = 1000,
                              .deployment_id = text_deployment,
                              .parameters = text_parameters}};
    Run run = {
        .record = {.id = "r1", .sendpost = text_sendpost, .state = STATE_RUNNING, .created_at = 500, .for_at = 500},
        .definition = read("name: daily\nstages:\n  - {name: one, run: a/b}\n"),
        .stages = &stage};
    auto_free char *json = shaped(&run);
    static const char *const parts[] = {
        "{\"id\":\"r1\",\"sendpost\":\"daily\",\"state\":\"running\",\"reason\":null,\"trigger\":\"api\",",
        "\"duration_seconds\":null,\"failure\":null,\"parameters\":{},\"triggered_by\":null",
        "\"attempt\":2,\"attempts\":[{\"number\":1,\"state\":\"failed\",\"reason\":\"rejected\",\"flow_run\":null,"
        "\"started_at\":null,\"ended_at\":null},{\"number\":2,\"state\":\"running\",\"reason\":null,\"flow_run\":{"
        "\"id\":"
        "\"flow-run-1\",\"name\":\"daily/one "
        "#2\",\"url\":\"http://ui/flow-runs/flow-run/flow-run-1\",\"adopted\":true}",
        "\"deployment\":{\"id\":\"dep-1\",\"name\":\"a/b\"},\"flow_run\":{\"id\":\"flow-run-1\"",
        "\"prefect_state\":{\"type\":\"RUNNING\",\"name\":\"Running\",\"message\":null,\"timestamp\":\"1970-01-01T00:"
        "00:02.000Z\"},"
        "\"parameters\":{\"a\":1},\"stages\":[]}]}",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(json, parts[i])) {
            print_error("%s\nlacks %s\n", json, parts[i]);
        }
        assert_non_null(strstr(json, parts[i]));
    }
    definition_release(run.definition);
}

static void test_an_end_before_the_start_lasts_nothing(void **state)
{
    (void)state;
    Stage stage = {.record = {.state = STATE_COMPLETED, .started_at = 2000, .ended_at = 1000}};
    Run run = {.record = {.id = "r1", .sendpost = text_sendpost},
               .definition = read("name: daily\nstages:\n  - {name: one, run: 00000000-0000-4000-8000-0000000000dd}\n"),
               .stages = &stage};
    auto_free char *json = shaped(&run);
    assert_non_null(strstr(
        json, "\"duration_seconds\":0,\"deployment\":{\"id\":\"00000000-0000-4000-8000-0000000000dd\",\"name\":null}"));
    definition_release(run.definition);
}

static bool shown_as_held(State state, Cut cut)
{
    Run run = {.record = {.id = "r1", .sendpost = text_sendpost, .state = state, .cut = cut, .held = true}};
    auto_free char *json = shaped(&run);
    return strstr(json, "\"held\":true") != NULL;
}

static void test_what_is_cut_or_has_ended_is_held_no_more(void **state)
{
    (void)state;
    assert_true(shown_as_held(STATE_SCHEDULED, CUT_NONE));
    assert_true(shown_as_held(STATE_PAUSED, CUT_NONE));
    assert_false(shown_as_held(STATE_CANCELLING, CUT_OPERATOR));
    assert_false(shown_as_held(STATE_COMPLETED, CUT_NONE));
}

static void test_failures(void **state)
{
    (void)state;
    Failure failure = {
        .stage = text_stage, .reason = REASON_FAILED, .message = text_said, .task_name = text_task, .logs = text_logs};
    RunRecord run = {.id = "r1",
                     .sendpost = text_sendpost,
                     .state = STATE_FAILED,
                     .reason = REASON_FAILED,
                     .started_at = 1,
                     .duration_ms = 1500,
                     .failure = &failure};
    auto_buffer out;
    JsonWriter writer;
    buffer_init(&out, 1 << 20);
    json_writer_init(&writer, &out);
    shape_run_summary(&writer, NULL, &run);
    assert_non_null(
        strstr(out.bytes,
               "\"duration_seconds\":1.5,\"failure\":{\"stage\":\"one\",\"reason\":\"failed\",\"message\":\"said\","
               "\"task\":{\"name\":\"explode\",\"message\":null},\"logs\":[{\"level\":40}],\"flow_run_url\":null}}"));
    buffer_clear(&out);
    failure.task_name = failure.logs = NULL;
    json_writer_init(&writer, &out);
    shape_failure(&writer, NULL, &failure);
    assert_non_null(strstr(out.bytes, "\"task\":null,\"logs\":[],"));
    buffer_clear(&out);
    json_writer_init(&writer, &out);
    shape_run_summary(&writer, NULL, NULL);
    assert_string_equal(out.bytes, "null");
}

static void test_numbers_and_times(void **state)
{
    (void)state;
    auto_buffer out;
    JsonWriter writer;
    buffer_init(&out, 1 << 20);
    json_writer_init(&writer, &out);
    json_begin_array(&writer, NULL);
    shape_time(&writer, NULL, 0);
    shape_time(&writer, NULL, 1795321386437);
    shape_seconds(&writer, NULL, -1);
    shape_seconds(&writer, NULL, 1234);
    shape_file_error(&writer, NULL, "a.yaml", NULL, 1, 1);
    json_end_array(&writer);
    assert_string_equal(out.bytes, "[null,\"2026-11-22T04:23:06.437Z\",null,1.234,null]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stage_at_its_second_attempt),
        cmocka_unit_test(test_an_end_before_the_start_lasts_nothing),
        cmocka_unit_test(test_what_is_cut_or_has_ended_is_held_no_more),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_numbers_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
