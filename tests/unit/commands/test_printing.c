/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "commands/failure.h"
#include "commands/table.h"
#include <string.h>

static Json *parse(const char *text)
{
    Json *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    TextTable table = {0};
    table_add_row(&table, 3, (const char *const[]){"NAME", "STATE", "LAST"});
    table_add_row(&table, 3, (const char *const[]){"tägliche-post", NULL, "x"});
    table_add_row(&table, 3, (const char *const[]){"a", "running", ""});
    auto_buffer out;
    buffer_init(&out, 4096);
    table_print(&table, &out);
    assert_string_equal(out.bytes, "NAME           STATE    LAST\n"
                                   "tägliche-post  -        x\n"
                                   "a              running\n"); /* no blanks at the end */
    table_release(&table);
    table_release(&table);
}

static void durations_are_read_by_people(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0", "0.0s"},     {"0.04", "0.0s"},    {"59.94", "59.9s"}, {"60", "1m 0s"}, {"3599.9", "59m 59s"},
        {"3600", "1h 0m"}, {"90061", "25h 1m"}, {"null", "-"},      {"\"5\"", "-"},  {"59.96", "1m 0s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_json *json = parse(cases[i][0]);
        auto_free char *shown = shown_duration(json);
        assert_string_equal(shown, cases[i][1]);
    }
    auto_free char *absent = shown_duration(NULL);
    assert_string_equal(absent, "-");
}

static void times_lose_their_milliseconds(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"\"2026-11-22T07:00:00.123Z\"", "2026-11-22T07:00:00Z"},
                                           {"\"2026-11-22T07:00:00Z\"", "2026-11-22T07:00:00Z"},
                                           {"null", "-"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_json *json = parse(cases[i][0]);
        auto_free char *shown = shown_time(json);
        assert_string_equal(shown, cases[i][1]);
    }
}

static void printed(const char *failure, const char *expected)
{
    auto_json *json = parse(failure);
    auto_buffer out;
    buffer_init(&out, 4096);
    buffer_text(&out, "");
    failure_print(json, true, &out);
    assert_string_equal(out.bytes, expected);
}

static void failures_are_told_from_the_cause(void **state)
{
    (void)state;
    printed("null", "");
    printed("{}", "");
    printed(
        "{\"stage\":\"deliver/email\",\"reason\":\"failed\",\"message\":\"it broke\",\"task\":{\"name\":\"explode\","
        "\"message\":\"boom\"},\"logs\":[{\"level\":\"ERROR\",\"message\":\"ask the shop "
        "team\"},{\"message\":\"more\"}],"
        "\"flow_run_url\":\"http://p/r\"}",
        "failed in stage deliver/email: failed\n"
        "  message   it broke\n"
        "  task      explode\n"
        "            boom\n"
        "  ERROR     ask the shop team\n"
        "  -         more\n"
        "  flow run  http://p/r\n");
    printed("{\"stage\":\"a\",\"reason\":null,\"task\":{\"name\":\"t\",\"message\":\"\"}}",
            "failed in stage a: -\n  task      t\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(durations_are_read_by_people),
        cmocka_unit_test(times_lose_their_milliseconds),
        cmocka_unit_test(failures_are_told_from_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
