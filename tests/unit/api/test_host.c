/* SPDX-License-Identifier: Apache-2.0 */
#include "api/host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char agent_test[] = "agent.test", dash[] = "https://dash.example";
static char external[] = "https://mail.example:8443/sendpost", numbers[] = "http://[2001:db8::1]:80/", none[] = "";
static char *further[] = {agent_test};
static char *origins[] = {dash};
static Configuration configuration = {
    .http_hosts = {further, 1},
    .http_cors_origins = {origins, 1},
    .http_external_url = external,
};

static void test_known_hosts(void **state)
{
    (void)state;
    static const char *const known[] = {"localhost",  "LOCALHOST:9847", "127.0.0.1:1",
                                        "[::1]",      "[::1]:9847",     "127.0.0.2:9847",
                                        "agent.test", "mail.example",   "mail.example:443"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_true(host_allowed(known[i], "127.0.0.2", &configuration));
    }
}

static void test_foreign_hosts(void **state)
{
    (void)state;
    static const char *const foreign[] = {"evil.example",
                                          "localhost.evil.example",
                                          "localhost:port",
                                          "localhost:123456",
                                          "[::1",
                                          "[::1]x",
                                          "",
                                          ":80",
                                          "user@localhost",
                                          "127.0.0.1 ",
                                          "local",
                                          "mail.example.evil"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_false(host_allowed(foreign[i], "127.0.0.1", &configuration));
    }
    assert_false(host_allowed("evil.example", NULL, &configuration));
}

static void test_an_external_address_by_number(void **state)
{
    (void)state;
    Configuration numbered = {.http_external_url = numbers};
    assert_true(host_allowed("[2001:db8::1]:80", NULL, &numbered));
    assert_false(host_allowed("2001", NULL, &numbered));
    Configuration bare = {.http_external_url = none};
    assert_false(host_allowed("mail.example", NULL, &bare));
}

static void test_origins(void **state)
{
    (void)state;
    assert_true(origin_allowed("http://127.0.0.1:9847", "127.0.0.1:9847", &configuration));
    assert_true(origin_allowed("https://localhost", "localhost", &configuration));
    assert_true(origin_allowed("https://mail.example:8443", "127.0.0.1:9847", &configuration));
    assert_true(origin_allowed("https://dash.example", "127.0.0.1:9847", &configuration));
    static const char *const foreign[] = {"null",
                                          "",
                                          "http://evil.example",
                                          "http://127.0.0.1",
                                          "ftp://127.0.0.1:9847",
                                          "https://mail.example",
                                          "https://dash.example.evil",
                                          "127.0.0.1:9847"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_false(origin_allowed(foreign[i], "127.0.0.1:9847", &configuration));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hosts),
        cmocka_unit_test(test_foreign_hosts),
        cmocka_unit_test(test_an_external_address_by_number),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
