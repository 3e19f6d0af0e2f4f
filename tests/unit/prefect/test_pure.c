/* SPDX-License-Identifier: Apache-2.0 */
/* The gate, the pace and the reading of answers, at virtual time and on texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "prefect/gate.h"
#include "prefect/poller.h"
#include "prefect/replies.h"
#include "prefect/report.h"
#include <string.h>

static void gate_opens_and_lets_one_through(void **state)
{
    (void)state;
    Gate gate = {0};
    for (int i = 1; i < GATE_FAILURES_TO_OPEN; i++) {
        gate_failure(&gate, 1000, -1, 0);
        assert_true(gate_pass(&gate, 1000));
    }
    gate_failure(&gate, 1000, -1, 0);
    assert_int_equal(gate.circuit, CIRCUIT_OPEN);
    assert_false(gate_pass(&gate, 1000));
    int64_t due = gate_deadline(&gate, 1000);
    assert_true(due > 1000);
    assert_true(gate_pass(&gate, due));
    assert_int_equal(gate.circuit, CIRCUIT_HALF_OPEN);
    assert_false(gate_pass(&gate, due)); /* one trial at a time */
    assert_true(gate_deadline(&gate, due) == TIME_NEVER);
    gate_failure(&gate, due, -1, 0);
    assert_int_equal(gate.circuit, CIRCUIT_OPEN);
    due = gate_deadline(&gate, due);
    assert_true(gate_pass(&gate, due));
    gate_success(&gate);
    assert_int_equal(gate.circuit, CIRCUIT_CLOSED);
    assert_true(gate_pass(&gate, due));
}

static void gate_waits_as_it_is_told(void **state)
{
    (void)state;
    Gate gate = {0};
    gate_failure(&gate, 1000, 7000, 0);
    assert_int_equal(gate.circuit, CIRCUIT_CLOSED);
    assert_false(gate_pass(&gate, 7999));
    assert_true(gate_pass(&gate, 8000));
}

static void gate_never_waits_longer_than_its_bound(void **state)
{
    (void)state;
    Gate gate = {0};
    int64_t now = 0;
    for (uint64_t i = 0; i < 40; i++) {
        gate_failure(&gate, now, -1, UINT64_MAX - i);
        int64_t due = gate_deadline(&gate, now);
        assert_true(due - now <= GATE_OPEN_MAX_MS + GATE_OPEN_MIN_MS);
        now = due;
        assert_true(gate_pass(&gate, now));
    }
}

static void pace_adapts(void **state)
{
    (void)state;
    Poller poller;
    poller_init(&poller, 1000, 5000);
    int64_t now = 0;
    for (int i = 0; i < 10; i++) {
        assert_true(poller_is_due(&poller, now));
        poller_begin(&poller, 2);
        assert_false(poller_is_due(&poller, now));
        poller_saw(&poller, "a", 1, 2);
        poller_batch_done(&poller, now, 0);
        poller_batch_done(&poller, now, 0);
        now = poller.due;
    }
    assert_int_equal(poller.interval_ms, 5000); /* all is quiet */
    poller_begin(&poller, 1);
    poller_saw(&poller, "a", 2, 3);
    poller_batch_done(&poller, now, 0);
    assert_int_equal(poller.interval_ms, 1000); /* something changed */
    poller_begin(&poller, 1);
    poller_saw(&poller, "a", 2, 3);
    poller_batch_done(&poller, now, 0);
    assert_int_equal(poller.interval_ms, 1500);
    poller_hurry(&poller, now);
    assert_true(poller.due <= now + 1000);
}

static bool read_flow_run(const char *text, FlowRun *flow_run)
{
    Json *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    Error error = {0};
    bool good = reply_flow_run(json, true, flow_run, &error);
    json_free(json);
    return good;
}

#define ID "\"id\":\"00000000-0000-4000-8000-00000000000A\""

static void flow_runs_of_both_dialects(void **state)
{
    (void)state;
    FlowRun flow_run;
    assert_true(read_flow_run(
        "{" ID ",\"name\":\"x\",\"state\":{\"type\":\"RUNNING\",\"name\":\"Retrying\",\"message\":null,"
        "\"timestamp\":\"2026-11-22T06:08:01.581630+00:00\"},\"start_time\":\"2026-11-22T04:23:06.437728Z\","
        "\"parameters\":{\"a\":1},\"new_member\":{}}",
        &flow_run));
    assert_string_equal(flow_run.id, "00000000-0000-4000-8000-00000000000a");
    assert_int_equal(flow_run.type, PREFECT_RUNNING);
    assert_int_equal(flow_run.started_at, 1795321386437);
    assert_null(flow_run.state_message);
    flow_run_release(&flow_run);
    assert_true(read_flow_run("{" ID ",\"state_type\":\"CANCELLED\",\"state\":{\"type\":\"CANCELLED\","
                              "\"timestamp\":\"2026-11-22T04:23:06Z\"},\"end_time\":null}",
                              &flow_run));
    assert_int_equal(flow_run.ended_at, 1795321386000); /* it never ran: 2.20 leaves end_time null */
    flow_run_release(&flow_run);
    static const char *const wrong[] = {"{}",
                                        "[]",
                                        "{\"id\":\"x\",\"state\":{\"type\":\"RUNNING\"}}",
                                        "{" ID "}",
                                        "{" ID ",\"state\":{\"type\":\"SLEEPING\"}}",
                                        "{" ID ",\"state\":{\"type\":\"RUNNING\",\"timestamp\":5}}",
                                        "{" ID ",\"state\":{\"type\":\"RUNNING\"},\"start_time\":\"soon\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(read_flow_run(wrong[i], &flow_run));
    }
}

static void reasons_of_all_shapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"detail\":\"Deployment not found\"}", "Deployment not found"},
        {"{\"exception_message\":\"Invalid request "
         "received.\",\"exception_detail\":[{\"loc\":[\"body\",\"name\"],\"msg\":\"too long\"}]}",
         "Invalid request received.; body.name. too long"},
        {"{\"detail\":[{\"loc\":[\"path\",\"id\"],\"msg\":\"not a UUID\"}]}", "path.id. not a UUID"},
        {"[]", "no reason given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Json *json = json_parse(cases[i][0], strlen(cases[i][0]), NULL);
        char *reason = reply_reason(json);
        assert_string_equal(reason, cases[i][1]);
        free(reason);
        json_free(json);
    }
}

static void report_shows_the_authors_line_first(void **state)
{
    (void)state;
    static const char tasks[] = "[{\"name\":\"load-0\",\"dynamic_key\":\"0\",\"state\":{\"type\":\"COMPLETED\"}},"
                                "{\"name\":\"explode-815\",\"dynamic_key\":\"815be7a2\",\"state\":{\"type\":\"FAILED\","
                                "\"timestamp\":\"2026-11-22T04:23:06Z\","
                                "\"message\":\"Task run encountered an exception ValueError: boom\"}}]";
    static const char logs[] =
        "[{\"level\":40,\"timestamp\":\"2026-11-22T04:23:09Z\",\"message\":\"Encountered exception during "
        "execution:\\nTraceback (most recent "
        "call last):\\n  File x\\nValueError: boom\\n\"},"
        "{\"level\":40,\"timestamp\":\"2026-11-22T04:23:08Z\",\"message\":\"Finished in state Failed('boom')\"},"
        "{\"level\":40,\"timestamp\":\"2026-11-22T04:23:07Z\",\"message\":\"no customers for 2026-11-22\"}]";
    Json *task_runs = json_parse(tasks, sizeof tasks - 1, NULL), *lines = json_parse(logs, sizeof logs - 1, NULL);
    CollectedReport report;
    assert_true(report_collect(task_runs, lines, &report, NULL));
    assert_string_equal(report.task_name, "explode");
    assert_string_equal(report.task_message, "Task run encountered an exception ValueError: boom");
    assert_true(report.complete);
    assert_true(text_starts_with(report.logs, "[{\"timestamp\":\"2026-11-22T04:23:07.000Z\",\"level\":\"ERROR\","
                                              "\"message\":\"no customers for 2026-11-22\"}"));
    assert_null(strstr(report.logs, "Traceback"));
    assert_non_null(strstr(report.logs, "\"ValueError: boom\""));
    collected_report_release(&report);
    Json *empty = json_parse("[]", 2, NULL);
    assert_true(report_collect(empty, empty, &report, NULL));
    assert_false(report.complete); /* task runs may come late */
    collected_report_release(&report);
    assert_false(report_collect(NULL, empty, &report, NULL));
    json_free(task_runs);
    json_free(lines);
    json_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate_opens_and_lets_one_through),
        cmocka_unit_test(gate_waits_as_it_is_told),
        cmocka_unit_test(gate_never_waits_longer_than_its_bound),
        cmocka_unit_test(pace_adapts),
        cmocka_unit_test(flow_runs_of_both_dialects),
        cmocka_unit_test(reasons_of_all_shapes),
        cmocka_unit_test(report_shows_the_authors_line_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
