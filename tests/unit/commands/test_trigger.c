/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/memory.h"
#include "commands/trigger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const Command *const commands[] = {NULL};

#define DECLARED                                                                                                       \
    "{\"parameters\":[{\"name\":\"text\",\"type\":\"string\"},{\"name\":\"count\",\"type\":\"integer\"},"              \
    "{\"name\":\"any\",\"type\":null}]}"

static CommandLine line;

/* NULL ends the words. */
static void parse(const char *const *given)
{
    char *words[16];
    int count = 0;
    for (; given[count]; count++) {
        words[count] = (char *)(uintptr_t)given[count];
    }
    Error error = {0};
    assert_true(command_line_parse(&command_run, count, words, &line, &error));
}

static void sent(const char *const *given, const char *expected)
{
    parse(given);
    auto_json *file = NULL, *sendpost = json_parse(DECLARED, strlen(DECLARED), NULL);
    Error error = {0};
    bool read = trigger_read(&line, &file, &error);
    assert_string_equal(error.text, "");
    assert_true(read);
    auto_buffer body;
    buffer_init(&body, REQUEST_BODY_MAX);
    trigger_write(&line, file, sendpost, &body);
    assert_string_equal(body.bytes, expected);
}
#define SENT(expected, ...) sent((const char *const[]){"daily", __VA_ARGS__, NULL}, expected)

static void values_take_the_declared_type(void **state)
{
    (void)state;
    SENT("{\"parameters\":{\"text\":\"5\"}}", "-p", "text=5");
    SENT("{\"parameters\":{\"text\":\"\\\"5\\\"\"}}", "-p", "text=\"5\"");
    SENT("{\"parameters\":{\"count\":5}}", "-p", "count=5");
    SENT("{\"parameters\":{\"count\":\"many\"}}", "-p", "count=many");
    SENT("{\"parameters\":{\"any\":[1,{}]}}", "-p", "any=[1,{}]");
    SENT("{\"parameters\":{\"any\":null}}", "-p", "any=null");
    SENT("{\"parameters\":{\"any\":\"007\"}}", "-p", "any=007");
    SENT("{\"parameters\":{\"any\":\"a=b\",\"other\":true}}", "-p", "any=a=b", "-p", "other=true");
    SENT("{\"parameters\":{\"any\":\"\"}}", "-p", "any=");
    SENT("{\"parameters\":{\"any\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}}", "-p", "any={\"a\":1,\"a\":2}");
}

static void options_become_members(void **state)
{
    (void)state;
    SENT("{\"parameters\":{},\"reason\":\"a \\\"test\\\"\",\"for\":\"2026-11-22\",\"start_at\":\"t\",\"from\":\"a/b\","
         "\"paused\":true}",
         "--reason", "a \"test\"", "--for", "2026-11-22", "--start-at", "t", "--from", "a/b", "--paused");
    SENT("{\"parameters\":{}}", "--idempotency-key", "k", "--follow");
}

static void options_replace_members_of_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/sendpost-parameters-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fputs("{\"count\": 1, \"counter\": 2, \"any\": {\"a\": [1.50]}}\n", file);
    fclose(file);
    SENT("{\"parameters\":{\"counter\":2,\"any\":{\"a\":[1.5]},\"count\":7}}", "--params-json", path, "-p", "count=7");
    unlink(path);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value, *message;
    } cases[] = {
        {"-p", "a", "-p needs KEY=VALUE, not 'a'"},
        {"-p", "=a", "-p needs KEY=VALUE, not '=a'"},
        {"-p", "a=\xff", "-p 'a' is not UTF-8"},
        {"-p", "any=2", "-p 'any' is given twice"},
        {"--idempotency-key", "", "--idempotency-key has 1 to 255 characters"},
        {"--idempotency-key", "a b", "--idempotency-key is made of visible ASCII characters"},
        {"--idempotency-key", "a\r\nX: y", "--idempotency-key is made of visible ASCII characters"},
        {"--params-json", "/nothing/there", "/nothing/there: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parse((const char *const[]){"daily", "-p", "any=1", cases[i].option, cases[i].value, NULL});
        Json *file = NULL;
        Error error = {0};
        assert_false(trigger_read(&line, &file, &error));
        assert_string_equal(error.text, cases[i].message);
        assert_null(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_take_the_declared_type),
        cmocka_unit_test(options_become_members),
        cmocka_unit_test(options_replace_members_of_the_file),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
