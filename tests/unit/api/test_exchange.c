/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before a handler sees it, and what an unkind client may send. */
#include "api/routes.h"
#include "fixture.h"
#include <sys/resource.h>

static int start(void **state)
{
    *state = world_new();
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static void test_ambiguous_requests(void **state)
{
    static const char *const requests[] = {
        "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n"
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/sendposts/a/run HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /metrics HTTP/1.1\r\nHost: "
        "localhost\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nGET /",
        "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: "
        "2\r\n\r\n{}",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 5\r\n\r\nGET /",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        Client client = client_open(*state);
        const char *answer = client_ask(*state, &client, requests[i]);
        assert_int_equal(status_of(answer) ? status_of(answer) : atoi(answer + 9), 400);
        assert_null(strstr(answer + 1, "HTTP/1."));
        assert_non_null(strstr(answer, "application/problem+json"));
        assert_true(client.closed);
        client_close(&client);
    }
}

/* One whole answer, a problem with this status, and the end of the connection. */
static void check_refused(const char *answer, const Client *client, int status)
{
    json_free(json_of(answer, status));
    auto_free char *length = text_format("\r\nContent-Length: %zu\r\n", strlen(body_of(answer)));
    assert_non_null(strstr(answer, length));
    assert_true(client->closed);
}

/* What libmicrohttpd does not even ask us about. */
static void test_what_cannot_be_parsed(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"Content-Length: 2, 2\r\n\r\n{}", 400},
        {"Content-Length: \r\n\r\n{}", 400},
        {"Content-Length: 99999999999999999999\r\n\r\n{}", 413},
        {"no colon\r\n\r\n", 400},
        {"Cookie: ;;;=\"\r\n\r\n", 431},
        {"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400},
        {"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n", 413},
    };
    World *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_free char *request =
            text_format("POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\n%s", cases[i].headers);
        Client client = client_open(world);
        check_refused(client_ask(world, &client, request), &client, cases[i].status);
        client_close(&client);
    }
    Client client = client_open(world);
    check_refused(client_ask(world, &client, "GET /metrics HTTP/3.0\r\nHost: localhost\r\n\r\n"), &client, 505);
    client_close(&client);
    size_t other = route_count();
    assert_int_equal(server_statistics(world->server)->requests[other][4], sizeof cases / sizeof *cases);
    assert_int_equal(server_statistics(world->server)->requests[other][5], 1);
}

static void test_problems(void **state)
{
    static const struct {
        const char *line, *headers;
        int status;
    } cases[] = {
        {"GET /nothing", "", 404},
        {"GET /v1/sendposts/%zz", "", 400},
        {"GET /v1/runs/nonsense", "", 404},
        {"GET /v1/runs?limit=0", "", 400},
        {"GET /v1/runs?limit=201", "", 400},
        {"GET /v1/runs?limit=1&limit=2", "", 400},
        {"GET /v1/runs?unknown=1", "", 400},
        {"GET /v1/runs?state=sleeping", "", 400},
        {"GET /v1/runs?since=soon", "", 400},
        {"GET /v1/runs?cursor=zz", "", 400},
        {"GET /v1/runs?state=%ff", "", 400},
        {"GET /v1/sendposts?limit=1001", "", 400},
        {"GET /v1/sendposts?label=tier", "", 400},
        {"GET /v1/sendposts?state=completed,nope", "", 400},
        {"GET /v1/sendposts?cursor=41", "", 400},
        {"POST /v1/sendposts/a/run", "Origin: http://evil.example\r\nContent-Type: application/json\r\n", 403},
        {"POST /v1/sendposts/a/run", "Origin: http://localhost\r\nContent-Type: text/plain\r\n", 415},
        {"POST /v1/sendposts/a/run?force=1", "", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool post = cases[i].line[0] == 'P';
        auto_free char *answer = ask_with(*state, cases[i].line, cases[i].headers, post ? "{}" : NULL);
        auto_json *json = json_of(answer, cases[i].status);
        assert_non_null(json_member_text(json, "detail"));
    }
}

static void test_too_many_query_parameters(void **state)
{
    auto_buffer line;
    buffer_init(&line, 4096);
    buffer_text(&line, "GET /v1/runs?state=failed");
    for (int i = 0; i < QUERY_PARAMETERS_MAX; i++) {
        buffer_text(&line, "&state=failed");
    }
    auto_free char *answer = ask(*state, line.bytes, NULL);
    json_free(json_of(answer, 400));
}

/* Nothing wakes the loop while all wait: an idle connection, one whose command has no reply yet; a reply does. */
static void test_what_the_loop_waits_for(void **state)
{
    World *world = *state;
    int descriptors[4];
    assert_int_equal(server_descriptors(world->server, descriptors, 4), 2);
    assert_int_equal(server_descriptors(world->server, descriptors, 0), 0);
    assert_true(server_deadline(world->server, world->now) == TIME_NEVER);
    world->silent = true;
    Client idle = client_open(world), waiting = client_open(world);
    client_ask(world, &idle, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_ask(world, &waiting, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(server_deadline(world->server, world->now) > world->now.boot_ms);
    struct pollfd readable = {.fd = descriptors[0], .events = POLLIN};
    assert_int_equal(server_descriptors(world->server, &readable.fd, 1), 1);
    assert_int_equal(poll(&readable, 1, 0), 0);
    server_reply(world->server, &(Reply){.token = world->last_token, .kind = REPLY_UNKNOWN_SENDPOST});
    assert_int_equal(server_deadline(world->server, world->now), world->now.boot_ms);
    assert_int_equal(status_of(client_ask(world, &waiting, "")), 404);
    client_close(&idle);
    client_close(&waiting);
}

static void test_wrong_methods_say_which_are_right(void **state)
{
    auto_free char *answer = ask(*state, "DELETE /v1/sendposts", NULL);
    assert_int_equal(status_of(answer), 405);
    assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
    auto_free char *get = ask(*state, "GET /v1/sendposts/a/run", NULL);
    assert_int_equal(status_of(get), 405);
    assert_non_null(strstr(get, "\r\nAllow: POST\r\n"));
}

static void test_foreign_hosts(void **state)
{
    Client client = client_open(*state);
    assert_int_equal(status_of(client_ask(*state, &client, "GET /-/healthy HTTP/1.1\r\nHost: evil.example\r\n\r\n")),
                     403);
    client_close(&client);
}

static void test_every_answer_has_the_security_headers(void **state)
{
    auto_free char *answer = ask(*state, "GET /-/healthy", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(body_of(answer), "ok");
    assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
}

static void test_head(void **state)
{
    static const char *const lines[] = {"HEAD /metrics", "HEAD /-/healthy", "HEAD /v1/sendposts", "HEAD /v1/status"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        auto_free char *answer = ask(*state, lines[i], NULL);
        assert_int_equal(status_of(answer), 200);
        assert_string_equal(body_of(answer), "");
    }
}

/* A body that is too large is read and refused; one that would be endless is cut. */
static void test_large_bodies(void **state)
{
    size_t length = REQUEST_BODY_MAX + 1;
    auto_free char *large = memory_new(length + 1);
    memset(large, ' ', length);
    auto_free char *answer = ask(*state, "POST /v1/sendposts/a/run", large);
    json_free(json_of(answer, 413));

    Client client = client_open(*state);
    const char *said = client_ask(
        *state, &client, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n");
    assert_int_equal(status_of(said), 413);
    client_close(&client);

    Client expecting = client_open(*state);
    said = client_ask(*state, &expecting,
                      "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\nExpect: "
                      "100-continue\r\n\r\n");
    assert_int_equal(status_of(said), 413);
    client_close(&expecting);
}

static char *chunks(size_t count)
{
    Buffer text;
    buffer_init(&text, 64 << 20);
    buffer_text(&text, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < count; i++) {
        buffer_format(&text, "1000\r\n%4096s\r\n", " ");
    }
    buffer_text(&text, "0\r\n\r\n");
    return buffer_take(&text);
}

static void test_large_chunked_bodies(void **state)
{
    auto_free char *bearable = chunks(100);
    Client client = client_open(*state);
    assert_int_equal(status_of(client_ask(*state, &client, bearable)), 413);
    client_close(&client);

    auto_free char *endless = chunks(2048);
    Client other = client_open(*state);
    assert_string_equal(client_ask(*state, &other, endless), "");
    assert_true(other.closed);
    client_close(&other);
}

static void test_large_headers(void **state)
{
    Client client = client_open(*state);
    auto_free char *request = text_format("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Large: %60000s\r\n\r\n", "x");
    check_refused(client_ask(*state, &client, request), &client, 431);
    client_close(&client);
    auto_free char *path = text_format("GET /%60000s HTTP/1.1\r\nHost: localhost\r\n\r\n", "x");
    Client other = client_open(*state);
    check_refused(client_ask(*state, &other, path), &other, 414);
    client_close(&other);
}

static void test_keep_alive_and_pipelining(void **state)
{
    Client client = client_open(*state);
    const char get[] = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_int_equal(status_of(client_ask(*state, &client, get)), 200);
    assert_int_equal(status_of(client_ask(*state, &client, get)), 200);
    assert_false(client.closed);
    auto_free char *two = text_format("%s%s", get, get);
    const char *answers = client_ask(*state, &client, two);
    assert_non_null(strstr(answers + 1, "HTTP/1.1 200"));
    client_close(&client);
}

static void pass(World *world, int64_t ms)
{
    world->now.boot_ms += ms;
    world->now.wall_ms += ms;
    world_turn(world);
}

static void test_slow_headers(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    const char *answer = client_ask(world, &client, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 9; i++) {
        assert_string_equal(answer, "");
        pass(world, 1000);
        answer = client_ask(world, &client, "X-More: 1\r\n");
    }
    assert_true(server_deadline(world->server, world->now) <= world->now.boot_ms + 2000);
    pass(world, 2000);
    check_refused(client_ask(world, &client, ""), &client, 408);
    client_close(&client);
}

/* libmicrohttpd would try again at once, for ever. */
static void test_an_endless_line_in_a_body(void **state)
{
    World *world = *state;
    auto_free char *request = text_format(
        "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;%60000s", "x");
    Client client = client_open(world);
    assert_string_equal(client_ask(world, &client, request), "");
    for (int i = 0; i < 3; i++) {
        pass(world, 500);
    }
    check_refused(client_ask(world, &client, ""), &client, 400);
    client_close(&client);
}

static void test_slow_bodies_and_idle_connections(void **state)
{
    World *world = *state;
    Client slow = client_open(world), idle = client_open(world);
    client_ask(world, &slow, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{");
    client_ask(world, &idle, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    pass(world, 29000);
    client_ask(world, &slow, " ");
    assert_false(slow.closed || idle.closed);
    pass(world, 2000);
    check_refused(client_ask(world, &slow, ""), &slow, 408);
    assert_false(idle.closed);
    pass(world, 30000);
    client_ask(world, &idle, "");
    assert_true(idle.closed);
    client_close(&slow);
    client_close(&idle);
}

/* Whoever opens more connections than there is place for loses its oldest ones; others still get in. */
static void test_too_many_connections(void **state)
{
    World *world = *state;
    enum { MANY = CONNECTIONS_MAX + 20 };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 2 * MANY + 100) {
        skip();
    }
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    Client *clients = memory_new(MANY * sizeof *clients);
    for (int i = 0; i < MANY; i++) {
        clients[i] = client_open(world);
        if (i % 5 == 0) {
            world_turn(world);
        }
    }
    for (int i = 0; i < 50; i++) {
        world_turn(world);
    }
    auto_free char *answer = ask(world, "GET /-/healthy", NULL);
    assert_int_equal(status_of(answer), 200);
    client_read(&clients[0]);
    assert_true(clients[0].closed);
    client_read(&clients[MANY - 1]);
    assert_false(clients[MANY - 1].closed);
    for (int i = 0; i < MANY; i++) {
        client_close(&clients[i]);
    }
    free(clients);
}

/* Answers that nobody takes have a limit together; probes and commands do not mind. */
static void test_answers_that_nobody_takes(void **state)
{
    enum { SIZE = ANSWERS_SIZE_MAX / 2 };
    static const char get[] = "GET /v1/runs/01920000-0000-7000-8000-0000000000ab HTTP/1.1\r\nHost: localhost\r\n\r\n";
    World *world = *state;
    world->journal.ended = (RunRecord){.id = "01920000-0000-7000-8000-0000000000ab", .sendpost = text_copy("a")};
    world->journal.ended.parameters = text_format("\"%*s\"", (int)SIZE, "x");
    Client clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = client_open(world);
        assert_int_equal(send(clients[i].fd, get, sizeof get - 1, MSG_NOSIGNAL), sizeof get - 1);
        world_turn(world);
        client_read(&clients[i]);
    }
    assert_int_equal(status_of(clients[1].received.bytes), 200);
    assert_int_equal(status_of(clients[2].received.bytes), 503);
    assert_non_null(strstr(clients[2].received.bytes, "\r\nRetry-After: "));
    auto_free char *healthy = ask(world, "GET /-/healthy", NULL);
    assert_int_equal(status_of(healthy), 200);
    auto_free char *command = ask(world, "POST /v1/sendposts/a/run", "{}");
    assert_int_equal(status_of(command), 404);
    client_close(&clients[0]);
    for (int i = 0; i < 3; i++) {
        world_turn(world);
    }
    auto_free char *status = ask(world, "GET /v1/status", NULL);
    assert_int_equal(status_of(status), 200);
    client_close(&clients[1]);
    client_close(&clients[2]);
}

static void test_rate_limit(void **state)
{
    World *world = *state;
    server_free(world->server);
    world->configuration.http_rate_limit_requests_per_second = 1;
    world->configuration.http_rate_limit_burst = 2;
    world_start(world);
    for (int i = 0; i < 4; i++) {
        auto_free char *answer = ask(world, "GET /v1/status", NULL);
        assert_int_equal(status_of(answer), i < 2 ? 200 : 429);
        assert_true(i < 2 || strstr(answer, "\r\nRetry-After: 1\r\n"));
        auto_free char *probe = ask(world, "GET /metrics?module=x", NULL);
        assert_int_equal(status_of(probe), 200);
    }
}

static void test_a_client_that_goes_away(void **state)
{
    World *world = *state;
    world->silent = true;
    Client client = client_open(world);
    client_ask(world, &client, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_close(&client);
    world_turn(world);
    assert_int_equal(server_statistics(world->server)->in_flight, 1);
    server_reply(world->server, &(Reply){.token = 12345, .kind = REPLY_DISABLED});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ambiguous_requests, start, stop),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_parsed, start, stop),
        cmocka_unit_test_setup_teardown(test_problems, start, stop),
        cmocka_unit_test_setup_teardown(test_too_many_query_parameters, start, stop),
        cmocka_unit_test_setup_teardown(test_what_the_loop_waits_for, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong_methods_say_which_are_right, start, stop),
        cmocka_unit_test_setup_teardown(test_foreign_hosts, start, stop),
        cmocka_unit_test_setup_teardown(test_every_answer_has_the_security_headers, start, stop),
        cmocka_unit_test_setup_teardown(test_head, start, stop),
        cmocka_unit_test_setup_teardown(test_large_bodies, start, stop),
        cmocka_unit_test_setup_teardown(test_large_chunked_bodies, start, stop),
        cmocka_unit_test_setup_teardown(test_large_headers, start, stop),
        cmocka_unit_test_setup_teardown(test_keep_alive_and_pipelining, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_headers, start, stop),
        cmocka_unit_test_setup_teardown(test_an_endless_line_in_a_body, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_bodies_and_idle_connections, start, stop),
        cmocka_unit_test_setup_teardown(test_too_many_connections, start, stop),
        cmocka_unit_test_setup_teardown(test_answers_that_nobody_takes, start, stop),
        cmocka_unit_test_setup_teardown(test_rate_limit, start, stop),
        cmocka_unit_test_setup_teardown(test_a_client_that_goes_away, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
