/* SPDX-License-Identifier: Apache-2.0 */
/* Many scrapes at a time: what they share, who waits, who gives way. */
#include "fixture.h"
#include <limits.h>

static const char get[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

enum {
    MANY_LINES = 2000000,    /* more than sockets buffer */
    SEVERAL_BLOCKS = 500000, /* of lines: not sent in one run of the server */
};

static int start(void **state)
{
    exposition_lines = EXPOSITION_LINES;
    exposition_piece_size = PIECE_SIZE;
    snapshots_taken = 0;
    *state = world_new();
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    assert_int_equal(snapshots_alive, 0);
    return 0;
}

static void say(Client *client, const char *text)
{
    assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The length is said beforehand, but for what is compressed. */
static bool is_whole(const Client *client)
{
    static const char length[] = "\r\nContent-Length: ", last[] = "0\r\n\r\n";
    const char *said = strstr(client->received.bytes, length), *end = client->received.bytes + client->received.length;
    const char *body = body_of(client->received.bytes);
    return said ? strtoll(said + strlen(length), NULL, 10) == end - body : strcmp(end - strlen(last), last) == 0;
}

static void test_scrapes_of_one_moment_share_a_snapshot(void **state)
{
    World *world = *state;
    exposition_lines = SEVERAL_BLOCKS;
    Client clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = client_open(world);
        say(&clients[i], get);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(status_of(client_ask(world, &clients[i], "")), 200);
        assert_true(is_whole(&clients[i]));
        client_close(&clients[i]);
    }
    assert_int_equal(snapshots_taken, 1);
    assert_int_equal(snapshots_alive, 0);
    free(ask(world, "GET /metrics", NULL));
    assert_int_equal(snapshots_taken, 2);
}

/* One that asks and does not read. */
static Client client_idling(World *world)
{
    Client client = client_open(world);
    say(&client, get);
    world->now.boot_ms++;
    for (int i = 0; i < 200; i++) { /* until the sockets take no more */
        world_turn(world);
    }
    return client;
}

static void test_a_scrape_waits_for_a_place(void **state)
{
    World *world = *state;
    exposition_lines = MANY_LINES;
    Client slow[SNAPSHOTS_MAX];
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        slow[i] = client_idling(world);
    }
    int64_t first_at = world->now.boot_ms - SNAPSHOTS_MAX + 1;
    assert_int_equal(snapshots_alive, SNAPSHOTS_MAX);
    Client one = client_idling(world), other = client_idling(world);
    exposition_lines = EXPOSITION_LINES;
    client_read(&one);
    assert_int_equal(one.received.length, 0);

    world->now.boot_ms = first_at + SCRAPE_SECONDS * 1000 - 1;
    world_turn(world);
    assert_int_equal(snapshots_taken, SNAPSHOTS_MAX);
    assert_int_equal(server_deadline(world->server, world->now), world->now.boot_ms + 1);
    world->now.boot_ms++;
    assert_int_equal(status_of(client_ask(world, &one, "")), 200);
    assert_int_equal(status_of(client_ask(world, &other, "")), 200);
    assert_true(is_whole(&one) && is_whole(&other));
    assert_int_equal(snapshots_taken, SNAPSHOTS_MAX + 1);
    assert_int_equal(snapshots_alive, SNAPSHOTS_MAX - 1);

    client_read(&slow[0]);
    assert_true(slow[0].closed && !is_whole(&slow[0]));
    client_read(&slow[1]);
    assert_false(slow[1].closed);
    client_close(&one);
    client_close(&other);
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        client_close(&slow[i]);
    }
    world_turn(world);
}

static void test_those_that_wait_are_told_of_the_end(void **state)
{
    World *world = *state;
    exposition_lines = MANY_LINES;
    Client clients[SNAPSHOTS_MAX + 1];
    for (size_t i = 0; i < SNAPSHOTS_MAX + 1; i++) {
        clients[i] = client_idling(world);
    }
    server_free(world->server);
    world->server = NULL;
    client_read(&clients[SNAPSHOTS_MAX]);
    json_free(json_of(clients[SNAPSHOTS_MAX].received.bytes, 503));
    for (size_t i = 0; i < SNAPSHOTS_MAX + 1; i++) {
        client_close(&clients[i]);
    }
}

/* Its request is read by the server's last run. */
static void test_who_comes_at_the_end_is_told(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    world_turn(world);
    metrics_text->unwritten = 1;
    say(&client, get);
    server_free(world->server);
    world->server = NULL;
    client_read(&client);
    json_free(json_of(client.received.bytes, 503));
    client_close(&client);
}

static const char text_type[] = "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
static const char openmetrics_type[] =
    "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
static const char gzip_encoding[] = "\r\nContent-Encoding: gzip\r\n";

/* What is compressed has no length that is known beforehand: it is not said; the connection must end for that. */
static void test_head_is_as_get(void **state)
{
    World *world = *state;
    for (int gzip = 0; gzip < 2; gzip++) {
        auto_free char *request = text_format("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n%s"
                                              "Accept: application/openmetrics-text\r\n\r\n",
                                              gzip ? "Accept-Encoding: gzip\r\n" : "");
        Client client = client_open(world);
        const char *answer = client_ask(world, &client, request);
        assert_int_equal(status_of(answer), 200);
        assert_non_null(strstr(answer, openmetrics_type));
        assert_int_equal(strstr(answer, gzip_encoding) != NULL, gzip);
        assert_int_equal(strstr(answer, "\r\nContent-Length: 80000\r\n") != NULL, !gzip);
        assert_int_equal(strstr(answer, "Content-Length") != NULL, !gzip);
        assert_non_null(strstr(answer, "\r\nVary: Accept, Accept-Encoding\r\n"));
        assert_string_equal(body_of(answer), "");
        assert_int_equal(snapshots_alive, 0);
        client_close(&client);
    }
}

static void test_a_head_that_waited_holds_no_snapshot(void **state)
{
    World *world = *state;
    exposition_lines = MANY_LINES;
    Client slow[SNAPSHOTS_MAX];
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        slow[i] = client_idling(world);
    }
    Client head = client_open(world);
    say(&head, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    world_turn(world);
    client_close(&slow[0]);
    assert_int_equal(status_of(client_ask(world, &head, "")), 200);
    assert_int_equal(snapshots_alive, SNAPSHOTS_MAX - 1);
    client_close(&head);
    for (size_t i = 1; i < SNAPSHOTS_MAX; i++) {
        client_close(&slow[i]);
    }
    world_turn(world);
}

static void test_the_format_is_negotiated(void **state)
{
    World *world = *state;
    auto_free char *text = ask(world, "GET /metrics", NULL);
    assert_non_null(strstr(text, text_type));
    assert_non_null(strstr(text, "\nline_00000000 1\n"));
    auto_free char *openmetrics =
        ask_with(world, "GET /metrics", "Accept: text/html\r\nAccept: application/openmetrics-text\r\n", NULL);
    assert_non_null(strstr(openmetrics, openmetrics_type));
    assert_non_null(strstr(openmetrics, "\nline_00000000 2\n"));
    assert_null(strstr(openmetrics, gzip_encoding));
    assert_non_null(strstr(openmetrics, "\r\nVary: Accept, Accept-Encoding\r\n"));
}

static void test_gzip_up_to_a_size(void **state)
{
    World *world = *state;
    static const size_t lines[] = {(1 << 20) / LINE_SIZE, (1 << 20) / LINE_SIZE + 1};
    for (size_t i = 0; i < 2; i++) {
        exposition_lines = lines[i];
        Client client = client_open(world);
        const char *answer =
            client_ask(world, &client, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
        assert_int_equal(strstr(answer, gzip_encoding) != NULL, i == 0);
        assert_int_equal(strncmp(body_of(answer), "line_00000000", 13) == 0, i == 1);
        assert_int_equal(client.received.length < lines[i] * LINE_SIZE / 2, i == 0);
        assert_true(is_whole(&client));
        client_close(&client);
    }
}

/* Other requests get their turn between the parts. */
static void test_a_scrape_waits_for_what_is_written(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    metrics_text->unwritten = 3;
    say(&client, get);
    while (metrics_text->unwritten == 3) {
        server_run(world->server, world->now);
    }
    for (int parts = 2; parts > 0; parts--) {
        assert_int_equal(metrics_text->unwritten, parts);
        server_run(world->server, world->now);
        assert_int_equal(metrics_text->budget, SCRAPE_WRITTEN_MAX);
        assert_int_equal(server_deadline(world->server, world->now), world->now.boot_ms);
    }
    assert_int_equal(status_of(client_ask(world, &client, "")), 200);
    assert_true(is_whole(&client));
    assert_int_equal(snapshots_taken, 1);
    client_close(&client);
}

static void test_what_changes_too_fast_is_written_at_once(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    metrics_text->unwritten = INT_MAX;
    say(&client, get);
    world_turn(world);
    world->now.boot_ms += SCRAPE_PREPARE_SECONDS * 1000 - 1;
    world_turn(world);
    assert_int_equal(snapshots_taken, 0);
    world->now.boot_ms++;
    assert_int_equal(status_of(client_ask(world, &client, "")), 200);
    assert_true(metrics_text->budget == SIZE_MAX);
    client_close(&client);
    metrics_text->unwritten = 0;
    free(ask(world, "GET /metrics", NULL));
    assert_int_equal(metrics_text->budget, SCRAPE_WRITTEN_MAX);
}

static void test_the_text_is_forgotten(void **state)
{
    World *world = *state;
    free(ask(world, "GET /metrics", NULL));
    world->now.boot_ms += SCRAPE_KEPT_SECONDS * 1000 - 1;
    world_turn(world);
    assert_int_equal(metrics_text->cleared, 0);
    assert_int_equal(server_deadline(world->server, world->now), world->now.boot_ms + 1);
    world->now.boot_ms++;
    world_turn(world);
    world_turn(world);
    assert_int_equal(metrics_text->cleared, 1);
    server_set_engine(world->server, world->engine);
    assert_int_equal(metrics_text->cleared, 2);
}

/* The more of the connection's memory it takes, the less there is for pieces, and at last none is asked for. */
static void test_a_head_of_any_size_gets_the_whole_text(void **state)
{
    World *world = *state;
    exposition_lines = 50000;
    exposition_piece_size = 1024;
    auto_free char *expected = NULL;
    for (int size = 0; size < 20000; size += 250) {
        auto_free char *request =
            text_format("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Filler: %0*d\r\n\r\n", size, 1);
        Client client = client_open(world);
        const char *body = body_of(client_ask(world, &client, request));
        assert_true(is_whole(&client));
        assert_true(!expected || strcmp(body, expected) == 0);
        free(expected);
        expected = text_copy(body);
        client_close(&client);
    }
}

static bool is_answered(const Client *client)
{
    char byte;
    return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Each that is being sent has a block of its own, whatever they share. */
static void test_few_are_sent_at_a_time(void **state)
{
    World *world = *state;
    exposition_lines = MANY_LINES;
    metrics_text->unwritten = INT_MAX; /* until all of them wait */
    Client clients[SCRAPES_MAX + 1];
    for (size_t i = 0; i < SCRAPES_MAX + 1; i++) {
        clients[i] = client_idling(world);
    }
    metrics_text->unwritten = 0;
    world_turn(world);
    world_turn(world);
    for (size_t i = 0; i < SCRAPES_MAX + 1; i++) {
        assert_int_equal(is_answered(&clients[i]), i < SCRAPES_MAX);
    }
    assert_int_equal(snapshots_taken, 1);
    exposition_lines = EXPOSITION_LINES;
    world->now.boot_ms += SCRAPE_SECONDS * 1000;
    assert_int_equal(status_of(client_ask(world, &clients[SCRAPES_MAX], "")), 200);
    for (size_t i = 0; i < SCRAPES_MAX + 1; i++) {
        client_close(&clients[i]);
    }
    world_turn(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scrapes_of_one_moment_share_a_snapshot, start, stop),
        cmocka_unit_test_setup_teardown(test_a_scrape_waits_for_a_place, start, stop),
        cmocka_unit_test_setup_teardown(test_those_that_wait_are_told_of_the_end, start, stop),
        cmocka_unit_test_setup_teardown(test_who_comes_at_the_end_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_head_is_as_get, start, stop),
        cmocka_unit_test_setup_teardown(test_a_head_that_waited_holds_no_snapshot, start, stop),
        cmocka_unit_test_setup_teardown(test_the_format_is_negotiated, start, stop),
        cmocka_unit_test_setup_teardown(test_gzip_up_to_a_size, start, stop),
        cmocka_unit_test_setup_teardown(test_a_scrape_waits_for_what_is_written, start, stop),
        cmocka_unit_test_setup_teardown(test_what_changes_too_fast_is_written_at_once, start, stop),
        cmocka_unit_test_setup_teardown(test_the_text_is_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(test_a_head_of_any_size_gets_the_whole_text, start, stop),
        cmocka_unit_test_setup_teardown(test_few_are_sent_at_a_time, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
