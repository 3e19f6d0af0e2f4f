/* SPDX-License-Identifier: Apache-2.0 */
#include "api/headers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Line {
    const char *name, *value;
} Line;

static bool fine(const Line *lines, Headers *headers)
{
    Error error = {0};
    *headers = (Headers){0};
    for (; lines->name; lines++) {
        if (!headers_add(headers, lines->name, lines->value, &error)) {
            return false;
        }
    }
    return headers_check(headers, &error);
}

static void test_fine(void **state)
{
    (void)state;
    Headers headers;
    const Line lines[] = {{"hOST", "localhost"}, {"Content-Length", "12"},  {"X-Other", "a"},
                          {"X-Other", "b"},      {"Idempotency-Key", NULL}, {NULL, NULL}};
    assert_true(fine(lines, &headers));
    assert_string_equal(headers.host, "localhost");
    assert_string_equal(headers.idempotency_key, "");
    const Line chunked[] = {{"Host", "localhost"}, {"Transfer-Encoding", "Chunked"}, {NULL, NULL}};
    assert_true(fine(chunked, &headers));
}

static void test_ambiguous(void **state)
{
    (void)state;
    static const Line cases[][4] = {
        {{NULL, NULL}},
        {{"Host", ""}, {NULL, NULL}},
        {{"Host", "a"}, {"Host", "a"}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length", "2"}, {"content-length", "2"}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length", "2"}, {"Transfer-Encoding", "chunked"}, {NULL, NULL}},
        {{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}, {NULL, NULL}},
        {{"Host", "a"}, {"Transfer-Encoding", "identity"}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length", "+2"}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length", "2, 2"}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length", ""}, {NULL, NULL}},
        {{"Host", "a"}, {"Content-Length ", "2"}, {NULL, NULL}},
        {{"Host", "a"}, {"", "2"}, {NULL, NULL}},
        {{"Host", "a"}, {"X y", "2"}, {NULL, NULL}},
        {{"Host", "a"}, {"X", "2\rContent-Length: 5"}, {NULL, NULL}},
        {{"Host", "a"}, {"Transfer-Encodingchunked", ""}, {"Content-Length", "2"}, {NULL, NULL}},
        {{"Host", "a"}, {"idempotency-keyk", ""}, {NULL, NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Headers headers;
        assert_false(fine(cases[i], &headers));
    }
}

static void test_json(void **state)
{
    (void)state;
    assert_true(headers_say_json(&(Headers){.content_type = "application/json"}));
    assert_true(headers_say_json(&(Headers){.content_type = "Application/JSON; charset=utf-8"}));
    assert_false(headers_say_json(&(Headers){.content_type = "application/jsonp"}));
    assert_false(headers_say_json(&(Headers){.content_type = "text/plain"}));
    assert_false(headers_say_json(&(Headers){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
