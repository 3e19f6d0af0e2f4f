/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/token_file.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE(name) "- {name: " name ", role: reader, sha256: " OF_ALICE "}\n"
#define OF_ALICE   "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"

static char directory[] = "/tmp/sendpost-tokens-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/tokens.yaml", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* Another file in its place, as a rename makes it. */
static void write_file(const char *text, mode_t mode)
{
    auto_free char *draft = text_format("%s.draft", path);
    FILE *file = fopen(draft, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(draft, mode), 0);
    assert_int_equal(rename(draft, path), 0);
}

static const char *name_in(const TokenFile *file)
{
    const Token *token = tokens_find(token_file_tokens(file), "alice");
    return token ? token->name : "";
}

static TokenFile *open_file(const char *text)
{
    Error error = {0};
    write_file(text, 0600);
    TokenFile *file = token_file_open(path, &error);
    assert_string_equal(error.text, "");
    assert_non_null(file);
    return file;
}

static void close_file(TokenFile *file)
{
    token_file_free(file);
    unlink(path);
}

static void must_be_good_at_the_start(void **state)
{
    (void)state;
    Error error = {0};
    assert_null(token_file_open(path, &error));
    assert_int_equal(error.kind, ERROR_NOT_FOUND);
    write_file(LINE("a") "- {}\n", 0600);
    assert_null(token_file_open(path, &error));
    auto_free char *wanted = text_format("%s:2:3: a token needs the key 'name'", path);
    assert_string_equal(error.text, wanted);
    unlink(path);
    token_file_free(NULL);
}

static void is_looked_at_once_a_second(void **state)
{
    (void)state;
    TokenFile *file = open_file(LINE("first"));
    assert_false(token_file_look(file, 5000, false));
    write_file(LINE("second"), 0600);
    assert_false(token_file_look(file, 5999, false));
    assert_string_equal(name_in(file), "first");
    assert_true(token_file_look(file, 6000, false));
    assert_string_equal(name_in(file), "second");
    assert_false(token_file_look(file, 7000, false));
    close_file(file);
}

static void is_read_at_once_when_asked_for(void **state)
{
    (void)state;
    TokenFile *file = open_file(LINE("first"));
    assert_false(token_file_look(file, 5000, false));
    write_file(LINE("second"), 0600);
    assert_true(token_file_look(file, 5001, true));
    assert_string_equal(name_in(file), "second");
    close_file(file);
}

static void the_last_good_one_stays(void **state)
{
    (void)state;
    TokenFile *file = open_file(LINE("good"));
    static const char *const broken[] = {"", "- {name: go", LINE("good") "- {name: x}\n"};
    for (int i = 0; i < 3; i++) {
        write_file(broken[i], 0600);
        assert_false(token_file_look(file, 1000 + 1000 * i, false));
        assert_non_null(strstr(token_file_error(file), path));
        assert_string_equal(name_in(file), "good");
    }
    unlink(path);
    assert_false(token_file_look(file, 10000, false));
    assert_non_null(strstr(token_file_error(file), "No such file"));
    assert_string_equal(name_in(file), "good");
    write_file(LINE("better"), 0600);
    assert_true(token_file_look(file, 20000, false));
    assert_null(token_file_error(file));
    assert_string_equal(name_in(file), "better");
    close_file(file);
}

static void who_else_may_read_or_write_it(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        const char *warning;
    } cases[] = {{0600, NULL},          {0400, NULL},          {0640, NULL},          {0644, "may read it"},
                 {0620, "write to it"}, {0602, "write to it"}, {0666, "write to it"}, {0600, NULL}};
    TokenFile *file = open_file(LINE("a"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        token_file_look(file, 1000 * (int64_t)i, true);
        const char *warning = token_file_warning(file);
        assert_true(cases[i].warning ? warning && strstr(warning, cases[i].warning) : !warning);
    }
    close_file(file);
    assert_null(token_file_exposed(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(must_be_good_at_the_start),      cmocka_unit_test(is_looked_at_once_a_second),
        cmocka_unit_test(is_read_at_once_when_asked_for), cmocka_unit_test(the_last_good_one_stays),
        cmocka_unit_test(who_else_may_read_or_write_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
