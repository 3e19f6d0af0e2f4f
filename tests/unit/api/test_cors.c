/* SPDX-License-Identifier: Apache-2.0 */
/* What pages of other origins may do. */
#include "fixture.h"

#include "base/text.h"

#define FOREIGN   "Origin: https://evil.example\r\n"
#define FRIEND    "Origin: https://dash.example\r\n"
#define OWN       "Origin: http://localhost\r\n"
#define JSON      "Content-Type: application/json\r\n"
#define MAY_READ  "\r\nAccess-Control-Allow-Origin: https://dash.example\r\n"
#define PREFLIGHT "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "daily.yaml", "name: daily\nconcurrency: queue\nstages:\n- {name: a, run: f/a}\n");
    static char friend[] = "https://dash.example", *origins[] = {friend};
    world->configuration.http_cors_origins = (struct TextList){origins, 1};
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static bool may_be_read(const char *answer)
{
    bool exposed = strstr(answer, "\r\nAccess-Control-Expose-Headers: ETag, Location, ") != NULL;
    bool allowed = strstr(answer, "\r\nAccess-Control-Allow-Origin: ") != NULL;
    assert_int_equal(exposed, allowed);
    assert_non_null(strstr(answer, "\r\nVary: Origin\r\n"));
    assert_null(strstr(answer, "Access-Control-Allow-Credentials"));
    return allowed;
}

static void test_reading(void **state)
{
    auto_free char *friend = ask_with(*state, "GET /v1/status", FRIEND, NULL);
    assert_int_equal(status_of(friend), 200);
    assert_non_null(strstr(friend, MAY_READ));
    auto_free char *foreign = ask_with(*state, "GET /v1/status", FOREIGN, NULL);
    assert_int_equal(status_of(foreign), 200);
    assert_false(may_be_read(foreign));
    auto_free char *none = ask(*state, "GET /v1/status", NULL);
    assert_false(may_be_read(none));
    auto_free char *fault = ask_with(*state, "GET /v1/nothing", FRIEND, NULL);
    assert_int_equal(status_of(fault), 404);
    assert_true(may_be_read(fault));
}

static void test_changing(void **state)
{
    static const struct {
        const char *headers;
        int status;
        bool read;
    } cases[] = {
        {FRIEND JSON, 202, true},
        {FRIEND, 415, true},
        {FRIEND "Content-Type: text/plain\r\n", 415, true},
        {OWN JSON, 202, true},
        {OWN, 415, true},
        {FOREIGN JSON, 403, false},
        {FOREIGN, 403, false},
        {"Origin: null\r\n" JSON, 403, false},
        {"Origin: \r\n" JSON, 403, false},
        {"", 202, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_free char *answer = ask_with(*state, "POST /v1/sendposts/daily/run", cases[i].headers, "{}");
        if (status_of(answer) != cases[i].status) {
            fail_msg("%s%s", cases[i].headers, answer);
        }
        assert_int_equal(may_be_read(answer), cases[i].read);
    }
}

static void test_asking_beforehand(void **state)
{
    auto_free char *yes = ask_with(*state, "OPTIONS /v1/sendposts/daily/run", FRIEND PREFLIGHT, NULL);
    assert_int_equal(status_of(yes), 204);
    assert_non_null(strstr(yes, MAY_READ));
    assert_non_null(strstr(yes, "\r\nAccess-Control-Allow-Methods: POST\r\n"));
    assert_non_null(strstr(yes, "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, Idempotency-Key, "));
    assert_non_null(strstr(yes, "\r\nAccess-Control-Max-Age: 600\r\n"));
    assert_string_equal(body_of(yes), "");
    auto_free char *read = ask_with(*state, "OPTIONS /v1/runs", OWN PREFLIGHT, NULL);
    assert_int_equal(status_of(read), 204);
    assert_non_null(strstr(read, "\r\nAccess-Control-Allow-Methods: GET, HEAD\r\n"));
    auto_free char *no = ask_with(*state, "OPTIONS /v1/sendposts/daily/run", FOREIGN PREFLIGHT, NULL);
    json_free(json_of(no, 403));
    assert_false(may_be_read(no));
    auto_free char *nothing = ask_with(*state, "OPTIONS /v1/nothing", FRIEND PREFLIGHT, NULL);
    assert_int_equal(status_of(nothing), 404);
    auto_free char *plain = ask_with(*state, "OPTIONS /v1/runs", FRIEND, NULL);
    assert_int_equal(status_of(plain), 405);
    auto_free char *anybody = ask_with(*state, "OPTIONS /v1/runs", PREFLIGHT, NULL);
    assert_int_equal(status_of(anybody), 405);
    auto_free char *rebound =
        ask_with(*state, "OPTIONS /v1/runs", "Host: evil.example\r\n" FRIEND PREFLIGHT, NULL); /* a second Host */
    assert_int_equal(status_of(rebound), 400);
}

static void test_none_by_default(void **state)
{
    World *world = *state;
    world->configuration.http_cors_origins.count = 0;
    auto_free char *answer = ask_with(world, "OPTIONS /v1/runs", FRIEND PREFLIGHT, NULL);
    assert_int_equal(status_of(answer), 403);
    auto_free char *plain = ask(world, "GET /v1/status", NULL);
    assert_null(strstr(plain, "Access-Control"));
    assert_null(strstr(plain, "\r\nVary: "));
}

static void test_security_headers(void **state)
{
    static const char *const wanted[] = {
        "X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy: same-origin", "Referrer-Policy: no-referrer", "Cache-Control: no-store"};
    static const char *const lines[] = {"GET /v1/status", "GET /metrics", "GET /-/healthy", "GET /nothing"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        auto_free char *answer = ask(*state, lines[i], NULL);
        for (size_t j = 0; j < sizeof wanted / sizeof *wanted; j++) {
            assert_non_null(strstr(answer, wanted[j]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reading, start, stop),
        cmocka_unit_test_setup_teardown(test_changing, start, stop),
        cmocka_unit_test_setup_teardown(test_asking_beforehand, start, stop),
        cmocka_unit_test_setup_teardown(test_none_by_default, start, stop),
        cmocka_unit_test_setup_teardown(test_security_headers, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
