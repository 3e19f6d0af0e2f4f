/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_members(void **state)
{
    (void)state;
    Problem problem;
    problem_begin(&problem, 409, "%s is already running: %s", "daily", "0192");
    json_write_text(&problem.writer, "active_run", "0192");
    problem_end(&problem);
    assert_string_equal(problem.body.bytes, "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,"
                                            "\"detail\":\"daily is already running: 0192\",\"active_run\":\"0192\"}");
    buffer_release(&problem.body);
}

static void test_foreign_bytes_stay_json(void **state)
{
    (void)state;
    Problem problem;
    problem_begin(&problem, 404, "nothing at %s", "/\xff\"\n");
    problem_end(&problem);
    Error error = {0};
    auto_json *json = json_parse(problem.body.bytes, problem.body.length, &error);
    assert_non_null(json);
    assert_string_equal(json_member_text(json, "title"), "Not Found");
    buffer_release(&problem.body);
}

static void test_titles(void **state)
{
    (void)state;
    assert_string_equal(problem_title(422), "Unprocessable Content");
    assert_string_equal(problem_title(299), "Error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_foreign_bytes_stay_json),
        cmocka_unit_test(test_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
