/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out on standard error, which the tests turn into a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved;
static FILE *output;

static int redirect(void **state)
{
    (void)state;
    saved = dup(STDERR_FILENO);
    output = tmpfile();
    return dup2(fileno(output), STDERR_FILENO) < 0;
}

static int restore(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(output);
    return 0;
}

/* All that was written. Free it. */
static char *written(void)
{
    off_t length = lseek(fileno(output), 0, SEEK_CUR);
    char *text = calloc(1, (size_t)length + 1);
    assert_int_equal(pread(fileno(output), text, (size_t)length, 0), length);
    return text;
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_AUTO);
    log_line(LOG_WARN, "definition is broken", "file", "a \"b\".yaml\n", "cause", NULL, "line", "3", NULL);
    char *text = written();
    assert_int_equal(text[strlen(text) - 1], '\n');
    Json *json = json_parse(text, strlen(text), NULL);
    assert_string_equal(json_member_text(json, "level"), "warn");
    assert_string_equal(json_member_text(json, "message"), "definition is broken");
    assert_string_equal(json_member_text(json, "file"), "a \"b\".yaml\n");
    assert_null(json_member(json, "cause"));
    json_free(json);
    free(text);
}

static void logfmt_quotes_what_needs_it(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_LOGFMT);
    log_line(LOG_ERROR, "no", "two words", "plain", "empty", "", "path", "a=b", NULL);
    char *text = written();
    assert_non_null(strstr(text, " level=error message=no two_words=plain empty=\"\" path=\"a=b\"\n"));
    assert_int_equal(strncmp(text, "time=2", 6), 0);
    free(text);
}

static void what_is_below_the_level_is_counted_only(void **state)
{
    (void)state;
    log_configure(LOG_ERROR, LOG_JSON);
    uint64_t before = log_count(LOG_WARN);
    log_line(LOG_WARN, "hidden", NULL);
    char *text = written();
    assert_string_equal(text, "");
    assert_int_equal(log_count(LOG_WARN), before + 1);
    free(text);
}

static void long_values_are_cut_and_the_line_ends(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    log_configure(LOG_INFO, LOG_JSON);
    char *value = malloc(LONG + 1);
    memset(value, '\x01', LONG);
    value[LONG] = '\0';
    log_line(LOG_INFO, "long", "a", value, "b", value, "c", value, "d", value, "e", value, "f", value, NULL);
    char *text = written();
    Json *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    assert_int_equal(strlen(json_member_text(json, "f")), 2048);
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_free(json);
    free(text);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_one_json_object, redirect, restore),
        cmocka_unit_test_setup_teardown(logfmt_quotes_what_needs_it, redirect, restore),
        cmocka_unit_test_setup_teardown(what_is_below_the_level_is_counted_only, redirect, restore),
        cmocka_unit_test_setup_teardown(long_values_are_cut_and_the_line_ends, redirect, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
