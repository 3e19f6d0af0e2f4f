/* SPDX-License-Identifier: Apache-2.0 */
/* Many scrapes at a time: what they share, who waits, who gives way. */
#include "fixture.h"

static const char get[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

enum { MANY_LINES = 2000000 }; /* more than sockets buffer */

static int start(void **state)
{
    exposition_lines = EXPOSITION_LINES;
    snapshots_taken = 0;
    snapshot_bytes = 0;
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

static bool is_whole(const Client *client)
{
    return client->received.length > 5 &&
           strcmp(client->received.bytes + client->received.length - 5, "0\r\n\r\n") == 0;
}

static void test_scrapes_of_one_moment_share_a_snapshot(void **state)
{
    World *world = *state;
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

static const char text_type[] = "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
static const char openmetrics_type[] =
    "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
static const char gzip_encoding[] = "\r\nContent-Encoding: gzip\r\n";

/* The length is not known, so it is not said; the connection must end for that. */
static void test_head_is_as_get(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    const char *answer = client_ask(world, &client,
                                    "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n"
                                    "Accept: application/openmetrics-text\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, openmetrics_type));
    assert_non_null(strstr(answer, gzip_encoding));
    assert_non_null(strstr(answer, "\r\nVary: Accept, Accept-Encoding\r\n"));
    assert_null(strstr(answer, "Content-Length"));
    assert_string_equal(body_of(answer), "");
    assert_int_equal(snapshots_alive, 0);
    client_close(&client);
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
    assert_non_null(strstr(text, "\nline_0 1\n"));
    auto_free char *openmetrics =
        ask_with(world, "GET /metrics", "Accept: text/html\r\nAccept: application/openmetrics-text\r\n", NULL);
    assert_non_null(strstr(openmetrics, openmetrics_type));
    assert_non_null(strstr(openmetrics, "\nline_0 2\n"));
    assert_null(strstr(openmetrics, gzip_encoding));
    assert_non_null(strstr(openmetrics, "\r\nVary: Accept, Accept-Encoding\r\n"));
}

static void test_gzip_up_to_a_size(void **state)
{
    World *world = *state;
    static const size_t sizes[] = {2 << 20, (2 << 20) + 1};
    for (size_t i = 0; i < 2; i++) {
        snapshot_bytes = sizes[i];
        Client client = client_open(world);
        const char *answer =
            client_ask(world, &client, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
        assert_int_equal(strstr(answer, gzip_encoding) != NULL, i == 0);
        const char *bytes = strchr(body_of(answer), '\n') + 1;
        assert_int_equal(memcmp(bytes, "\x1f\x8b", 2) == 0, i == 0);
        assert_int_equal(client.received.length < 40000, i == 0);
        assert_true(is_whole(&client));
        client_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scrapes_of_one_moment_share_a_snapshot, start, stop),
        cmocka_unit_test_setup_teardown(test_a_scrape_waits_for_a_place, start, stop),
        cmocka_unit_test_setup_teardown(test_those_that_wait_are_told_of_the_end, start, stop),
        cmocka_unit_test_setup_teardown(test_head_is_as_get, start, stop),
        cmocka_unit_test_setup_teardown(test_a_head_that_waited_holds_no_snapshot, start, stop),
        cmocka_unit_test_setup_teardown(test_the_format_is_negotiated, start, stop),
        cmocka_unit_test_setup_teardown(test_gzip_up_to_a_size, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
