/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: where a client begins, what it gets, and what becomes of one that does not read. */
#include "fixture.h"

#include "base/limits.h"
#include "base/text.h"
#include <stdlib.h>
#include <sys/resource.h>

#define HEAD_OF(path, headers) "GET " path " HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"

enum { HEARTBEAT_MS = STREAM_HEARTBEAT_SECONDS * 1000, MANY = 3000 };

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

static Client follow(World *world, const char *request)
{
    Client client = client_open(world);
    const char *answer = client_ask(world, &client, request);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nContent-Type: text/event-stream\r\n"));
    assert_non_null(strstr(answer, "\r\n:\n\n"));
    return client;
}

/* The ids of the events that came, without the chunks around them. */
static size_t ids_in(const char *received, int64_t *ids, size_t maximum)
{
    size_t count = 0;
    for (const char *at = received; (at = strstr(at, "\ndata: {\"id\":")); count++) {
        at += strlen("\ndata: {\"id\":");
        assert_true(count < maximum);
        ids[count] = atoll(at);
    }
    return count;
}

static void assert_ids(const char *received, size_t count, const int64_t *wanted)
{
    int64_t ids[16];
    assert_int_equal(ids_in(received, ids, 16), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ids[i], wanted[i]);
    }
}

static void assert_refused(World *world, const char *line, int status)
{
    auto_free char *answer = ask(world, line, NULL);
    json_free(json_of(answer, status));
}

static uint64_t open_streams(const World *world)
{
    return server_statistics(world->server)->event_streams;
}

static bool has_ended(const Client *client)
{
    const char *end = "0\r\n\r\n";
    size_t length = client->received.length;
    return length >= 5 && strcmp(client->received.bytes + length - 5, end) == 0;
}

static void test_what_was_committed(void **state)
{
    World *world = *state;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    assert_int_equal(open_streams(world), 1);
    world_publish(world, 4, 4);
    assert_non_null(strstr(
        client_ask(world, &client, ""),
        "id: 4\nevent: stage.state\ndata: {\"id\":4,\"type\":\"stage.state\",\"at\":\"2026-11-18T11:06:40.004Z\","
        "\"sendpost\":\"daily\",\"run\":\"01920000-0000-7000-8000-000000000001\",\"stage\":\"a.b\","
        "\"from\":\"running\",\"to\":\"failed\",\"reason\":\"timed_out\"}\n\n"));
    EventRecord bare = {.id = 5, .type = EVENT_PREFECT_REACHABLE, .at = (int64_t)START_WALL_MS * 1000};
    server_publish(world->server, &bare, 1);
    assert_non_null(strstr(client_ask(world, &client, ""),
                           "id: 5\nevent: prefect.reachable\ndata: {\"id\":5,\"type\":\"prefect.reachable\","
                           "\"at\":\"2026-11-18T11:06:40.000Z\",\"sendpost\":null,\"run\":null,\"stage\":null,"
                           "\"from\":null,\"to\":null,\"reason\":null}\n\n"));
    client_close(&client);
}

static void test_filters(void **state)
{
    World *world = *state;
    world->journal.ended = (RunRecord){
        .id = "01920000-0000-7000-8000-000000000001", .sendpost = text_copy("daily"), .state = STATE_COMPLETED};
    world->journal.ended_text = "name: daily\nstages:\n- {name: x, run: f/a}\n- {name: a, run: f/a}\n";
    Client daily = follow(world, HEAD_OF("/v1/events?sendpost=daily", ""));
    Client run = follow(world, HEAD_OF("/v1/runs/01920000-0000-7000-8000-000000000001/events", ""));
    world_publish(world, 1, 8);
    assert_ids(client_ask(world, &daily, ""), 4, (int64_t[]){2, 4, 6, 8});
    assert_ids(client_ask(world, &run, ""), 2, (int64_t[]){4, 8});
    Client replayed = follow(world, HEAD_OF("/v1/events?sendpost=daily&after=4", ""));
    assert_ids(replayed.received.bytes, 2, (int64_t[]){6, 8});
    assert_refused(world, "GET /v1/runs/01920000-0000-7000-8000-000000000002/events", 404);
    client_close(&daily);
    client_close(&run);
    client_close(&replayed);
}

/* More than one run of the server may read, and more than a socket takes at once. */
static void test_a_long_replay_is_read_in_turns(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 1;
    world->journal.newest_event = MANY;
    Client client = client_open(world);
    const char *request = HEAD_OF("/v1/events?after=0", "");
    assert_int_equal(send(client.fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    bool most = false;
    for (int i = 0; i < PATIENCE_TURNS && world->journal.events_read < MANY; i++) {
        size_t before = world->journal.events_read;
        server_run(world->server, world->now);
        assert_true(world->journal.events_read - before <= EVENTS_REPLAYED_MAX);
        most = most || server_deadline(world->server, world->now) == world->now.boot_ms;
        client_read(&client);
    }
    assert_true(most);
    Buffer whole = client.received;
    buffer_init(&client.received, 64 << 20);
    world_publish(world, MANY + 1, MANY + 1);
    const char *rest = client_ask(world, &client, "");
    buffer_text(&whole, rest);
    auto_free int64_t *ids = memory_new((MANY + 2) * sizeof *ids);
    assert_int_equal(ids_in(whole.bytes, ids, MANY + 2), MANY + 1);
    for (int64_t i = 0; i <= MANY; i++) {
        assert_int_equal(ids[i], i + 1);
    }
    buffer_release(&whole);
    client_close(&client);
}

/* Only what lies within its life is read for one run, in one turn however long the history is. */
static void test_the_replay_of_one_run(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 1;
    world->journal.newest_event = 50 * MANY;
    world->journal.ended = (RunRecord){.id = "01920000-0000-7000-8000-000000000001",
                                       .sendpost = text_copy("daily"),
                                       .state = STATE_COMPLETED,
                                       .first_event = MANY,
                                       .last_event = MANY + 8};
    world->journal.ended_text = "name: daily\nstages:\n- {name: x, run: f/a}\n- {name: a, run: f/a}\n";
    Client client = follow(world, HEAD_OF("/v1/runs/01920000-0000-7000-8000-000000000001/events?after=0", ""));
    assert_ids(client.received.bytes, 3, (int64_t[]){MANY, MANY + 4, MANY + 8});
    assert_true(world->journal.events_read <= EVENTS_REPLAYED_MAX);
    client_close(&client);
}

/* What memory no longer has is read in the journal: nothing is left out. */
static void test_more_at_once_than_memory_keeps(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 1;
    Client client = follow(world, HEAD_OF("/v1/events?sendpost=daily", ""));
    world_publish(world, 1, 2 * EVENTS_RECENT_MAX);
    int64_t ids[EVENTS_RECENT_MAX + 1];
    assert_int_equal(ids_in(client_ask(world, &client, ""), ids, EVENTS_RECENT_MAX + 1), EVENTS_RECENT_MAX);
    for (int64_t i = 0; i < EVENTS_RECENT_MAX; i++) {
        assert_int_equal(ids[i], 2 * i + 2);
    }
    assert_true(world->journal.events_read >= EVENTS_RECENT_MAX);
    client_close(&client);
}

static void check_begin(World *world, const char *request, bool reset, size_t count, const int64_t *ids)
{
    Client client = follow(world, request);
    assert_int_equal(strstr(client.received.bytes, "event: reset\ndata: {\"id\":") != NULL, reset);
    assert_ids(client.received.bytes, count, ids);
    client_close(&client);
}

static void test_where_a_client_begins(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 50;
    world->journal.newest_event = 52;
    check_begin(world, HEAD_OF("/v1/events", ""), false, 0, NULL);
    check_begin(world, HEAD_OF("/v1/events", "Last-Event-ID: 51\r\n"), false, 1, (int64_t[]){52});
    check_begin(world, HEAD_OF("/v1/events", "Last-Event-ID: 52\r\n"), false, 0, NULL);
    check_begin(world, HEAD_OF("/v1/events", "Last-Event-ID: \r\n"), false, 0, NULL);
    check_begin(world, HEAD_OF("/v1/events?after=50", ""), false, 2, (int64_t[]){51, 52});
    check_begin(world, HEAD_OF("/v1/events?after=50", "Last-Event-ID: 51\r\n"), false, 1, (int64_t[]){52});
    check_begin(world, HEAD_OF("/v1/events?after=0", ""), false, 3, (int64_t[]){50, 51, 52});
    /* Ids that the journal does not have: too old, too new, no id at all. The reset's own id is where it goes on from.
     */
    check_begin(world, HEAD_OF("/v1/events?after=10", ""), true, 4, (int64_t[]){10, 50, 51, 52});
    check_begin(world, HEAD_OF("/v1/events", "Last-Event-ID: 53\r\n"), true, 1, (int64_t[]){52});
    check_begin(world, HEAD_OF("/v1/events", "Last-Event-ID: abc\r\n"), true, 1, (int64_t[]){52});
    assert_refused(world, "GET /v1/events?after=abc", 400);
    assert_refused(world, "GET /v1/events?after=-1", 400);
}

static void test_heartbeat(void **state)
{
    World *world = *state;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    int64_t opened = world->now.boot_ms;
    world->now.boot_ms = opened + HEARTBEAT_MS - 1;
    assert_string_equal(client_ask(world, &client, ""), "");
    world->now.boot_ms++;
    assert_int_equal(server_deadline(world->server, world->now), world->now.boot_ms);
    assert_non_null(strstr(client_ask(world, &client, ""), "\r\n:\n\n\r\n"));
    assert_int_equal(server_statistics(world->server)->event_streams_dropped, 0);
    client_close(&client);
}

/* One that was given something just before a heartbeat has not been slow. */
static void test_who_reads_stays(void **state)
{
    World *world = *state;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    for (int i = 1; i <= 4; i++) {
        world->now.boot_ms += HEARTBEAT_MS - 1;
        world_publish(world, i, i);
        server_run(world->server, world->now);
        world->now.boot_ms += 1;
        assert_ids(client_ask(world, &client, ""), 1, (int64_t[]){i});
    }
    assert_int_equal(server_statistics(world->server)->event_streams_dropped, 0);
    assert_int_equal(open_streams(world), 1);
    client_close(&client);
}

static void test_who_does_not_read_is_dropped(void **state)
{
    World *world = *state;
    Client slow = follow(world, HEAD_OF("/v1/events", "")), other = follow(world, HEAD_OF("/v1/events", ""));
    for (int64_t id = 1; id <= 40000; id += 100) {
        world_publish(world, id, id + 99);
        world_turn(world);
        client_read(&other);
        buffer_clear(&other.received);
    }
    for (int i = 0; i < 2; i++) {
        world->now.boot_ms += HEARTBEAT_MS;
        client_ask(world, &other, "");
    }
    assert_int_equal(server_statistics(world->server)->event_streams_dropped, 1);
    assert_int_equal(open_streams(world), 1);
    world_publish(world, 40001, 40001);
    assert_ids(client_ask(world, &other, ""), 1, (int64_t[]){40001});
    for (int i = 0; i < PATIENCE_TURNS && !slow.closed; i++) {
        client_read(&slow);
    }
    assert_true(slow.closed && !has_ended(&slow));
    client_close(&slow);
    client_close(&other);
}

static void test_a_client_that_has_gone(void **state)
{
    World *world = *state;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    client_close(&client);
    world->now.boot_ms += 2000;
    world_turn(world);
    world_turn(world);
    assert_int_equal(open_streams(world), 0);
    assert_int_equal(server_statistics(world->server)->event_streams_dropped, 0);
    assert_true(server_idle(world->server));
}

static void test_streams_leave_connections_to_others(void **state)
{
    World *world = *state;
    struct rlimit limit, few;
    getrlimit(RLIMIT_NOFILE, &limit);
    few = (struct rlimit){256, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    server_free(world->server);
    world_start(world);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    Client clients[64];
    for (size_t i = 0; i < 64; i++) {
        clients[i] = follow(world, HEAD_OF("/v1/events", ""));
    }
    auto_free char *refused = ask(world, "GET /v1/events", NULL);
    json_free(json_of(refused, 503));
    assert_non_null(strstr(refused, "\r\nRetry-After: "));
    auto_free char *healthy = ask(world, "GET /-/healthy", NULL);
    assert_int_equal(status_of(healthy), 200);
    world_publish(world, 1, 1);
    for (size_t i = 0; i < 64; i++) {
        assert_ids(client_ask(world, &clients[i], ""), 1, (int64_t[]){1});
        client_close(&clients[i]);
    }
}

static void test_the_end(void **state)
{
    World *world = *state;
    Client waits = follow(world, HEAD_OF("/v1/events", ""));
    Client late = client_open(world);
    world_turn(world);
    world_publish(world, 1, 1);
    server_drain(world->server);
    client_ask(world, &waits, "");
    assert_true(has_ended(&waits));
    assert_int_equal(open_streams(world), 0);
    json_free(json_of(client_ask(world, &late, HEAD_OF("/v1/events", "")), 503));
    assert_true(server_idle(world->server));
    client_close(&waits);
    client_close(&late);
}

static void test_the_end_of_one_that_does_not_read(void **state)
{
    World *world = *state;
    Client slow = follow(world, HEAD_OF("/v1/events", ""));
    for (int64_t id = 1; id <= 40000; id += 100) {
        world_publish(world, id, id + 99);
        world_turn(world);
    }
    server_drain(world->server);
    world_turn(world);
    assert_false(server_idle(world->server));
    world->now.boot_ms += 1000;
    world_turn(world);
    world_turn(world);
    assert_true(server_idle(world->server));
    client_close(&slow);
}

static void test_freed_in_the_middle(void **state)
{
    World *world = *state;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    server_free(world->server);
    world->server = NULL;
    client_read(&client);
    assert_true(has_ended(&client));
    client_close(&client);
}

static void test_a_journal_that_cannot_be_read(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 1;
    Client client = follow(world, HEAD_OF("/v1/events", ""));
    world_publish(world, 1, 2 * EVENTS_RECENT_MAX);
    world->journal.fails = true;
    client_ask(world, &client, "");
    assert_true(has_ended(&client));
    assert_refused(world, "GET /v1/events", 503);
    assert_refused(world, "GET /v1/runs/01920000-0000-7000-8000-000000000001/events", 503);
    client_close(&client);
}

static void test_head(void **state)
{
    World *world = *state;
    auto_free char *answer = ask(world, "HEAD /v1/events", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nContent-Type: text/event-stream\r\n"));
    assert_string_equal(body_of(answer), "");
    assert_int_equal(open_streams(world), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_committed),
        TEST(test_filters),
        TEST(test_a_long_replay_is_read_in_turns),
        TEST(test_the_replay_of_one_run),
        TEST(test_more_at_once_than_memory_keeps),
        TEST(test_where_a_client_begins),
        TEST(test_heartbeat),
        TEST(test_who_reads_stays),
        TEST(test_who_does_not_read_is_dropped),
        TEST(test_a_client_that_has_gone),
        TEST(test_streams_leave_connections_to_others),
        TEST(test_the_end),
        TEST(test_the_end_of_one_that_does_not_read),
        TEST(test_freed_in_the_middle),
        TEST(test_a_journal_that_cannot_be_read),
        TEST(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
