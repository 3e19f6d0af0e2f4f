/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, on every route of the table. */
#include "fixture.h"

#include "api/routes.h"
#include "base/limits.h"
#include "base/text.h"
#include <stdlib.h>
#include <sys/stat.h>

#define WITH(token) "Authorization: Bearer " token "\r\n"

/* Digests of the tokens "operator", "reader", "metrics". */
#define OF_OPERATOR "06e55b633481f7bb072957eabcf110c972e86691c3cfedabe088024bffe42f23"
#define OF_READER   "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
#define OF_METRICS  "177a7ea3611fe6b138557deaf44941614b66c0ece1766308044c8b65c8ba2123"

#define OPERATOR "- {name: olga, role: operator, sha256: " OF_OPERATOR "}\n"
#define READER   "- {name: rita, role: reader, sha256: " OF_READER "}\n"
#define METRICS  "- {name: prometheus, role: metrics, sha256: " OF_METRICS "}\n"

static char path[] = "/tmp/sendpost-access-XXXXXX";

static void write_tokens(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    log_configure(LOG_ERROR, LOG_LOGFMT);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void restart(World *world)
{
    server_free(world->server);
    world_start(world);
}

static int start(void **state)
{
    Error error = {0};
    World *world = world_new();
    write_tokens(OPERATOR READER METRICS);
    world->tokens = token_file_open(path, &error);
    assert_non_null(world->tokens);
    world_load(world, "daily.yaml", "name: daily\nstages:\n- {name: a, run: f/a}\n");
    restart(world);
    world->catalogue.statistics.last_reload_successful = true;
    *state = world;
    return 0;
}

static int stop(void **state)
{
    World *world = *state;
    token_file_free(world->tokens);
    world_free(world);
    return 0;
}

/* "/v1/runs/{id}" with something in the place of {id}. */
static char *example_of(const char *pattern)
{
    auto_buffer example;
    buffer_init(&example, 256);
    while (*pattern) {
        if (*pattern == '{') {
            buffer_text(&example, "something");
            pattern += strcspn(pattern, "}") + 1;
        } else {
            buffer_char(&example, *pattern++);
        }
    }
    return buffer_take(&example);
}

static char *ask_route(World *world, const Route *route, const char *headers)
{
    auto_free char *example = example_of(route->pattern);
    auto_free char *line = text_format("%s %s", route->method, example);
    bool post = strcmp(route->method, "POST") == 0;
    return ask_with(world, line, headers, post ? "{}" : NULL);
}

static void assert_status(World *world, const Route *route, const char *headers, int wanted)
{
    auto_free char *answer = ask_route(world, route, headers);
    int status = status_of(answer);
    bool refused = status == 401 || status == 403;
    if (wanted ? status != wanted : refused) {
        fail_msg("%s %s with '%s': %s", route->method, route->pattern, headers, answer);
    }
    bool challenged = strstr(answer, "\r\nWWW-Authenticate: Bearer realm=\"sendpost\"") != NULL;
    assert_int_equal(challenged, wanted != 0);
    if (wanted) {
        json_free(json_of(answer, wanted));
    }
}

typedef struct Expected {
    int none, wrong, metrics, reader, full; /* statuses; 0: let in */
} Expected;

static const Expected expected[] = {
    [ACCESS_ANYBODY] = {0, 0, 0, 0, 0},
    [ACCESS_METRICS] = {401, 401, 0, 0, 0},
    [ACCESS_READER] = {401, 401, 403, 0, 0},
    [ACCESS_OPERATOR] = {401, 401, 403, 403, 0},
};

static void test_every_route_has_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const Route *route = route_at(i);
        assert_true(route->access > ACCESS_UNSAID && route->access <= ACCESS_OPERATOR);
        assert_true(route->access == ACCESS_OPERATOR || route->access == ACCESS_SIGNATURE ||
                    strcmp(route->method, "POST") != 0);
        assert_true(route->access != ACCESS_ANYBODY || !text_starts_with(route->pattern, "/v1/sendposts"));
        assert_true(route->access != ACCESS_ANYBODY || !text_starts_with(route->pattern, "/v1/runs"));
    }
}

static void test_every_token_on_every_route(void **state)
{
    World *world = *state;
    world->configuration.http_metrics_requires_token = true;
    for (size_t i = 0; i < route_count(); i++) {
        const Route *route = route_at(i);
        if (route->access == ACCESS_SIGNATURE) {
            continue;
        }
        const Expected *wanted = &expected[route->access];
        assert_status(world, route, "", wanted->none);
        assert_status(world, route, WITH("guess"), wanted->wrong);
        assert_status(world, route, WITH("metrics"), wanted->metrics);
        assert_status(world, route, WITH("reader"), wanted->reader);
        assert_status(world, route, WITH("operator"), wanted->full);
    }
}

static void test_a_webhook_needs_its_signature_alone(void **state)
{
    World *world = *state;
    auto_free char *answer =
        ask_with(world, "POST /v1/sendposts/daily/webhook", WITH("operator"), "{}"); /* it has none */
    json_free(json_of(answer, 404));
}

static void test_scrapes_need_no_token_unless_said(void **state)
{
    World *world = *state;
    auto_free char *open = ask(world, "GET /metrics", NULL), *guess = ask_with(world, "GET /metrics", WITH("x"), NULL);
    assert_int_equal(status_of(open), 200);
    assert_int_equal(status_of(guess), 200);
}

static void test_head_is_guarded_too(void **state)
{
    auto_free char *answer = ask(*state, "HEAD /v1/status", NULL);
    assert_int_equal(status_of(answer), 401);
}

static void test_forms_of_authorization(void **state)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Authorization: Bearer reader\r\n", 200},
        {"authorization: bearer   reader\r\n", 200},
        {"Authorization: Bearer reader \t\r\n", 200},
        {"Authorization: Basic cmVhZGVyOg==\r\n", 401},
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: \r\n", 401},
        {"Authorization: reader\r\n", 401},
        {"Authorization: Bearer reader reader\r\n", 401},
        {"Authorization: Bearer " OF_READER "\r\n", 401},
        {"Authorization: Bearer reader\r\nAuthorization: Bearer reader\r\n", 400},
        {"Sec-WebSocket-Protocol: sendpost.bearer.reader\r\n", 401},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_free char *answer = ask_with(*state, "GET /v1/status", cases[i].header, NULL);
        if (status_of(answer) != cases[i].status) {
            fail_msg("%s%s", cases[i].header, answer);
        }
        assert_null(strstr(answer, "reader reader"));
    }
    auto_free char *query = ask(*state, "GET /v1/status?token=reader", NULL);
    assert_int_equal(status_of(query), 401);
}

static void test_unknown_paths_tell_nothing(void **state)
{
    auto_free char *path_answer = ask(*state, "GET /v1/nothing", NULL), *method = ask(*state, "PUT /v1/runs", NULL);
    assert_int_equal(status_of(path_answer), 404);
    assert_int_equal(status_of(method), 405);
    auto_free char *unknown = ask(*state, "GET /v1/sendposts/nobody", NULL);
    assert_int_equal(status_of(unknown), 401);
}

static void test_nobody_needs_one(void **state)
{
    World *world = *state;
    world->configuration.http_allow_anonymous = true;
    auto_free char *none = ask(world, "POST /v1/sendposts/daily/run", "{}");
    assert_int_equal(status_of(none), 202);
    auto_free char *wrong = ask_with(world, "GET /v1/status", WITH("guess"), NULL);
    assert_int_equal(status_of(wrong), 401);
    auto_free char *low = ask_with(world, "POST /-/reload", WITH("reader"), NULL);
    assert_int_equal(status_of(low), 403);
}

static void test_without_a_file_tokens_do_not_matter(void **state)
{
    World *world = *state;
    token_file_free(memory_steal(&world->tokens));
    restart(world);
    auto_free char *none = ask(world, "GET /v1/status", NULL),
                   *any = ask_with(world, "POST /-/reload", WITH("anything"), NULL);
    assert_int_equal(status_of(none), 200);
    assert_int_equal(status_of(any), 200);
}

static void test_who_one_is(void **state)
{
    auto_free char *answer = ask_with(*state, "GET /v1/status", WITH("reader"), NULL);
    auto_json *status = json_of(answer, 200);
    const Json *caller = json_member(status, "caller");
    assert_string_equal(json_member_text(caller, "name"), "rita");
    assert_string_equal(json_member_text(caller, "role"), "reader");
    auto_free char *started = ask_with(*state, "POST /v1/sendposts/daily/run", WITH("operator"), "{}");
    auto_json *run = json_of(started, 202);
    assert_string_equal(json_member_text(run, "triggered_by"), "olga");
}

/* --- what is kept of it --- */

#define RUN "01920000-0000-7000-8000-0000000000AB"

static void test_audit(void **state)
{
    World *world = *state;
    static const struct {
        const char *line, *headers, *body;
        const char *audited, *run; /* NULL: not in the journal */
    } cases[] = {
        {"POST /v1/sendposts/daily/run", WITH("operator"), "{}", "olga run daily 202", ""},
        {"POST /v1/sendposts/daily/run", WITH("operator"), "{}", "olga run daily 409", ""},
        {"POST /v1/sendposts/daily/run", WITH("operator"), "[]", "olga run daily 400", ""},
        {"POST /v1/sendposts/daily/run", WITH("reader"), "{}", "rita run daily 403", ""},
        {"POST /v1/runs/" RUN "/cancel", WITH("reader"), "{}", "rita cancel 403",
         "01920000-0000-7000-8000-0000000000ab"},
        {"POST /v1/runs/nonsense/cancel", WITH("reader"), "{}", "rita cancel 403", ""},
        {"POST /-/reload", WITH("metrics"), "{}", "prometheus reload 403", ""},
        {"POST /-/reload", WITH("operator"), "{}", "olga reload 200", ""},
        {"POST /-/reload", WITH("guess"), "{}", NULL, NULL},
        {"POST /v1/sendposts/daily/run", "", "{}", NULL, NULL},
        {"POST /v1/sendposts/nobody/run", WITH("operator"), "{}", NULL, NULL},
        {"POST /v1/runs/" RUN "/cancel", WITH("operator"), "{}", NULL, NULL},
        {"POST /v1/sendposts/daily/webhook", WITH("operator"), "{}", NULL, NULL},
        {"POST /v1/nothing", WITH("operator"), "{}", NULL, NULL},
        {"GET /v1/status", WITH("metrics"), NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int before = world->journal.audits;
        auto_free char *answer = ask_with(world, cases[i].line, cases[i].headers, cases[i].body);
        assert_true(status_of(answer) > 0);
        assert_int_equal(world->journal.audits - before, cases[i].audited != NULL);
        if (cases[i].audited) {
            assert_string_equal(world->journal.audited, cases[i].audited);
            assert_true(i == 0 || strcmp(world->journal.audited_run, cases[i].run) == 0);
        }
    }
}

/* --- too often --- */

static void limit_rate(World *world, int64_t rate, int64_t burst)
{
    world->configuration.http_rate_limit_requests_per_second = rate;
    world->configuration.http_rate_limit_burst = burst;
    restart(world);
}

static int status_with(World *world, const char *headers)
{
    auto_free char *answer = ask_with(world, "GET /v1/status", headers, NULL);
    bool later = status_of(answer) == 429;
    assert_int_equal(strstr(answer, "\r\nRetry-After: ") != NULL, later);
    return status_of(answer);
}

static void test_guesses_are_limited_and_good_tokens_are_not(void **state)
{
    World *world = *state;
    limit_rate(world, 40, 400); /* of guesses: two a second, a hundred at once */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(status_with(world, WITH("guess")), 401);
    }
    assert_int_equal(status_with(world, WITH("guess")), 429);
    assert_int_equal(status_with(world, WITH("reader")), 200);
    assert_int_equal(status_with(world, ""), 401);
    world->now.boot_ms += 500;
    assert_int_equal(status_with(world, WITH("guess")), 401);
    assert_int_equal(status_with(world, WITH("guess")), 429);
}

static void test_clients_of_one_address_are_told_apart_by_their_tokens(void **state)
{
    World *world = *state;
    limit_rate(world, 1, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(status_with(world, WITH("reader")), 200);
    }
    assert_int_equal(status_with(world, WITH("reader")), 429);
    assert_int_equal(status_with(world, WITH("operator")), 200);
    assert_int_equal(status_with(world, ""), 401);
}

/* --- streams --- */

#define FOLLOW "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n"
#define HANDSHAKE                                                                                                      \
    "GET /v1/sendposts/daily/run/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"      \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void test_a_websocket_takes_its_token_as_a_subprotocol(void **state)
{
    static const struct {
        const char *header;
        int status;
        const char *accepted;
    } cases[] = {
        {"", 401, NULL},
        {"Sec-WebSocket-Protocol: sendpost\r\n", 401, NULL},
        {"Sec-WebSocket-Protocol: sendpost, sendpost.bearer.guess\r\n", 401, NULL},
        {"Sec-WebSocket-Protocol: sendpost, sendpost.bearer.metrics\r\n", 403, NULL},
        {"Sec-WebSocket-Protocol: sendpost, sendpost.bearer.reader\r\n", 101, "sendpost"},
        {"Sec-WebSocket-Protocol: sendpost.bearer.reader\r\nSec-WebSocket-Protocol: sendpost\r\n", 101, "sendpost"},
        {"Sec-WebSocket-Protocol: sendpost.bearer.reader\r\n", 101, NULL},
        {"Authorization: Bearer reader\r\n", 101, NULL},
        {"Authorization: Bearer guess\r\nSec-WebSocket-Protocol: sendpost.bearer.reader\r\n", 401, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Client client = client_open(*state);
        auto_free char *request = text_format(HANDSHAKE "%s\r\n", cases[i].header);
        const char *answer = client_ask(*state, &client, request);
        assert_int_equal(status_of(answer), cases[i].status);
        const char *accepted = strstr(answer, "\r\nSec-WebSocket-Protocol: sendpost\r\n");
        assert_int_equal(accepted != NULL, cases[i].accepted != NULL);
        assert_null(strstr(answer, "bearer.reader"));
        client_close(&client);
    }
}

static bool has_ended(const Client *client)
{
    return client->received.length >= 5 &&
           strcmp(client->received.bytes + client->received.length - 5, "0\r\n\r\n") == 0;
}

static void test_streams_end_with_their_token(void **state)
{
    World *world = *state;
    Client reader = client_open(world), editor = client_open(world), socket = client_open(world);
    client_ask(world, &reader, FOLLOW WITH("reader") "\r\n");
    client_ask(world, &editor, FOLLOW WITH("operator") "\r\n");
    assert_int_equal(status_of(client_ask(world, &socket, HANDSHAKE WITH("reader") "\r\n")), 101);
    write_tokens(OPERATOR READER METRICS "# only a remark\n");
    assert_true(token_file_look(world->tokens, 10000, true));
    server_tokens_changed(world->server);
    client_ask(world, &reader, "");
    assert_false(has_ended(&reader));
    write_tokens(OPERATOR "- {name: rita, role: metrics, sha256: " OF_READER "}\n");
    assert_true(token_file_look(world->tokens, 20000, true));
    server_tokens_changed(world->server);
    client_ask(world, &reader, "");
    assert_true(has_ended(&reader));
    assert_string_equal(client_ask(world, &socket, ""), "\x88\x02\x03\xe9"); /* going away */
    client_ask(world, &editor, "");
    assert_false(has_ended(&editor));
    client_close(&reader);
    client_close(&editor);
    client_close(&socket);
}

static void test_a_broken_file_is_shown(void **state)
{
    World *world = *state;
    write_tokens("- nonsense\n");
    assert_false(token_file_look(world->tokens, 10000, true));
    auto_free char *answer = ask_with(world, "POST /-/reload", WITH("operator"), NULL);
    auto_json *problem = json_of(answer, 422);
    assert_non_null(strstr(json_member_text(problem, "detail"), "the tokens cannot be read, the last ones stay: "));
    assert_non_null(strstr(json_member_text(problem, "tokens_error"), ":1:3: a token must be a mapping"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_has_a_rule),
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(test_every_token_on_every_route),
        TEST(test_a_webhook_needs_its_signature_alone),
        TEST(test_scrapes_need_no_token_unless_said),
        TEST(test_head_is_guarded_too),
        TEST(test_forms_of_authorization),
        TEST(test_unknown_paths_tell_nothing),
        TEST(test_nobody_needs_one),
        TEST(test_without_a_file_tokens_do_not_matter),
        TEST(test_who_one_is),
        TEST(test_audit),
        TEST(test_guesses_are_limited_and_good_tokens_are_not),
        TEST(test_clients_of_one_address_are_told_apart_by_their_tokens),
        TEST(test_a_websocket_takes_its_token_as_a_subprotocol),
        TEST(test_streams_end_with_their_token),
        TEST(test_a_broken_file_is_shown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
