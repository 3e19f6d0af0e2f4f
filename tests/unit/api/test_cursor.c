/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cursor.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char id[] = "01920000-0000-7000-8000-0000000000ab";

static void test_names(void **state)
{
    (void)state;
    auto_free char *cursor = cursor_of_name("daily-mailing");
    auto_free char *name = NULL;
    assert_true(cursor_to_name(cursor, &name));
    assert_string_equal(name, "daily-mailing");
}

static void test_runs(void **state)
{
    (void)state;
    auto_free char *cursor = cursor_of_run(1794999999123, id);
    int64_t created_at = 0;
    char found[UUID_SIZE];
    assert_true(cursor_to_run(cursor, &created_at, found));
    assert_int_equal(created_at, 1794999999123);
    assert_string_equal(found, id);
}

static void test_foreign_cursors(void **state)
{
    (void)state;
    char *name = NULL, found[UUID_SIZE];
    int64_t created_at = 0;
    static const char *const cursors[] = {"", "6", "zz", "00", "6A", "2f2f", "20", "312030"};
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        assert_false(cursor_to_name(cursors[i], &name));
        assert_false(cursor_to_run(cursors[i], &created_at, found));
    }
    char endless[1000];
    for (size_t i = 0; i < sizeof endless; i++) {
        endless[i] = '6';
    }
    endless[sizeof endless - 2] = '\0';
    assert_false(cursor_to_name(endless, &name));
    auto_free char *of_name = cursor_of_name("daily");
    assert_false(cursor_to_run(of_name, &created_at, found));
    assert_null(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_foreign_cursors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
