/* SPDX-License-Identifier: Apache-2.0 */
#include "api/negotiation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef bool Rule(const char *list);

static void assert_all(Rule *rule, const char *const *lists, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++) {
        if (rule(lists[i]) != expected) {
            fail_msg("%s", lists[i] ? lists[i] : "none");
        }
    }
}
#define ASSERT_ALL(rule, lists, expected) assert_all(rule, lists, sizeof(lists) / sizeof *(lists), expected)

static const char *const openmetrics[] = {
    "application/openmetrics-text",
    "Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8",
    "application/openmetrics-text;version=\"1.0.0\"",
    "application/openmetrics-text, text/plain;q=0.999",
    "application/openmetrics-text;q=0.5, text/plain;q=0.4, */*;q=0.1",
    "application/openmetrics-text;version=1.0.0, */*",
    "application/openmetrics-text;q=0.001",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "application/openmetrics-text, text/plain;version=1.0.0",
    "application/*",
    "*/*, text/plain;q=0",
    " , ,application/openmetrics-text\t;\tq=1.000 ,",
    "text/x;a=\",\\\",application/none;q=0\";q=1, application/openmetrics-text",
    "application/openmetrics-text;q=2, application/openmetrics-text",
};

static const char *const text[] = {
    NULL,
    "",
    "*/*",
    "text/plain",
    "text/html",
    "text/plain, application/openmetrics-text",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;q=0.000, */*",
    "application/openmetrics-text;q=0.5, text/plain",
    "application/openmetrics-text;q=0.5, text/*;q=0.6",
    "application/openmetrics-text;q=0.4, */*;q=0.5",
    "application/openmetrics-text;version=1.0.0;q=0.1, application/openmetrics-text;q=1, text/plain;q=0.5",
    "application/openmetrics-texts",
    "application/openmetrics-text;q=1.001",
    "application/openmetrics-text;q=0.0001",
    "application/openmetrics-text;q=-1",
    "application/openmetrics-text;q=.5",
    "application/openmetrics-text;q=01",
    "application/openmetrics-text;q=0.x",
    "application/openmetrics-text;q=",
    "\"application/openmetrics-text",
};

static void test_formats(void **state)
{
    (void)state;
    ASSERT_ALL(accept_prefers_openmetrics, openmetrics, true);
    ASSERT_ALL(accept_prefers_openmetrics, text, false);
}

static const char *const gzip[] = {
    "gzip",
    "x-gzip",
    "GZIP",
    "deflate, gzip;q=1.0, *;q=0.5",
    "gzip;q=0.5",
    "gzip, identity",
    "identity, gzip",
    "gzip;q=0.5, identity;q=0.4",
    "*, identity;q=0",
    "gzip, *;q=0",
    "br;q=1, gzip;q=0.2, identity;q=0.1",
};

static const char *const identity[] = {
    NULL,
    "",
    "*",
    "identity",
    "deflate",
    "gzip;q=0",
    "gzip;q=0, *",
    "gzip;q=0.5, identity;q=0.6",
    "gzipped",
    "identity, gzip;q=0.9",
    "gzip;q=nothing",
};

static void test_codings(void **state)
{
    (void)state;
    ASSERT_ALL(accept_encoding_prefers_gzip, gzip, true);
    ASSERT_ALL(accept_encoding_prefers_gzip, identity, false);
}

static const char *const browser[] = {
    "text/html",
    "TEXT/HTML;q=0.1",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
};

static const char *const program[] = {NULL, "", "*/*", "text/*", "application/json", "text/html;q=0", "text/html5"};

static void test_pages(void **state)
{
    (void)state;
    ASSERT_ALL(accept_names_html, browser, true);
    ASSERT_ALL(accept_names_html, program, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats), cmocka_unit_test(test_codings),
                                       cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
