/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a WebSocket's stream; what its clients see is tested from outside. */
#include "fixture.h"

#include "base/limits.h"
#include "base/text.h"
#include <netinet/tcp.h>

#define HANDSHAKE                                                                                                      \
    "GET /v1/sendposts/daily/run/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"      \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

enum { PING_OPCODE = 0x89, TEXT_OPCODE = 0x81 };

static const char going_away[] = "\x88\x02\x03\xe9";

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "daily.yaml", "name: daily\nstages:\n- {name: a, run: f/a}\n");
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static Client client_connect(World *world)
{
    Client client = client_open(world);
    const char *answer = client_ask(world, &client, HANDSHAKE);
    assert_int_equal(status_of(answer), 101);
    assert_non_null(strstr(answer, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")); /* RFC 6455, 1.3 */
    assert_null(strstr(answer, "Content-Length"));
    assert_string_equal(body_of(answer), "");
    return client;
}

static bool ends_with_goodbye(const Client *client)
{
    size_t length = client->received.length, size = sizeof going_away - 1;
    return length >= size && memcmp(client->received.bytes + length - size, going_away, size) == 0;
}

static void test_events(void **state)
{
    World *world = *state;
    Client client = client_connect(world);
    world_publish(world, 1, 2); /* the first is of another sendpost */
    const char *received = client_ask(world, &client, "");
    assert_int_equal((unsigned char)received[0], TEXT_OPCODE);
    assert_int_equal((unsigned char)received[1], 126);
    size_t length = (size_t)(unsigned char)received[2] << 8 | (unsigned char)received[3];
    assert_int_equal(client.received.length, 4 + length);
    assert_true(text_starts_with(received + 4, "{\"id\":2,\"type\":\"stage.state\","));
    client_close(&client);
}

static void test_ping(void **state)
{
    World *world = *state;
    Client client = client_connect(world);
    world->now.boot_ms += STREAM_HEARTBEAT_SECONDS * 1000;
    const char *received = client_ask(world, &client, "");
    assert_int_equal(client.received.length, 2);
    assert_int_equal((unsigned char)received[0], PING_OPCODE);
    client_close(&client);
}

/* Whatever is cut off in the middle, and whenever: what came before is remembered until the rest has come. */
static void test_byte_by_byte(void **state)
{
    /* "he" with a ping in between, "llo"; 200 bytes in one frame; 70,000 in another; each masked by 0. */
    enum { MEDIUM = 200, LARGE = 70000, TAIL = 64 };
    static const char said[] = "\x01\x82\0\0\0\0he\x89\x81\0\0\0\0p\x80\x83\0\0\0\0llo";
    static const char medium[] = "\x81\xfe\x00\xc8\0\0\0\0", large[] = "\x81\xff\0\0\0\0\0\x01\x11\x70\0\0\0\0";
    static const char goodbye[] = "\x88\x82\0\0\0\0\x03\xe8";
    static const char payload[LARGE] = "";
    World *world = *state;
    Client client = client_connect(world);
    auto_buffer all;
    buffer_init(&all, 2 * LARGE);
    buffer_append(&all, said, sizeof said - 1);
    buffer_append(&all, medium, sizeof medium - 1);
    buffer_append(&all, payload, MEDIUM);
    buffer_append(&all, large, sizeof large - 1);
    size_t whole = all.length;
    buffer_append(&all, payload, LARGE);
    buffer_clear(&client.received);
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    for (size_t i = 0; i < whole + TAIL; i++) {
        assert_int_equal(send(client.fd, all.bytes + i, 1, MSG_NOSIGNAL), 1);
        world_turn(world);
        client_read(&client);
    }
    assert_int_equal(client.received.length, 3); /* of the answer to the ping */
    assert_memory_equal(client.received.bytes, "\x8a\x01p", 3);
    client_send(world, &client, all.bytes + whole + TAIL, LARGE - TAIL);
    world_publish(world, 2, 2);
    assert_non_null(strstr(client_ask(world, &client, "") + 4, "\"id\":2"));
    client_send(world, &client, goodbye, sizeof goodbye - 1);
    assert_true(client.closed && memcmp(client.received.bytes, "\x88\x02\x03\xe8", 4) == 0);
    client_close(&client);
}

static void test_a_client_that_has_gone(void **state)
{
    World *world = *state;
    Client client = client_connect(world);
    client_close(&client);
    world_turn(world);
    world_turn(world);
    assert_int_equal(server_statistics(world->server)->event_streams, 0);
    assert_true(server_idle(world->server));
}

/* One that is looked after by nobody any more is told, and cut off when it does not say goodbye too. */
static void test_the_end(void **state)
{
    World *world = *state;
    Client client = client_connect(world);
    server_drain(world->server);
    client_ask(world, &client, "");
    assert_true(ends_with_goodbye(&client) && !client.closed);
    world_publish(world, 2, 2);
    assert_string_equal(client_ask(world, &client, ""), "");
    world->now.boot_ms += 1000;
    client_ask(world, &client, "");
    assert_true(client.closed);
    assert_true(server_idle(world->server));
    client_close(&client);
}

static void test_freed_in_the_middle(void **state)
{
    World *world = *state;
    Client client = client_connect(world), begins = client_open(world);
    assert_int_equal(send(begins.fd, HANDSHAKE, strlen(HANDSHAKE), MSG_NOSIGNAL), strlen(HANDSHAKE));
    server_free(world->server);
    world->server = NULL;
    client_read(&client);
    assert_true(ends_with_goodbye(&client) && client.closed);
    client_close(&client);
    client_close(&begins);
}

static void test_a_journal_that_cannot_be_read(void **state)
{
    World *world = *state;
    world->journal.oldest_event = 1;
    Client client = client_connect(world);
    world_publish(world, 1, 2 * EVENTS_RECENT_MAX);
    world->journal.fails = true;
    client_ask(world, &client, "");
    assert_true(ends_with_goodbye(&client));
    auto_free char *refused = ask_with(world, "GET /v1/sendposts/daily/run/ws",
                                       "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                                       NULL);
    json_free(json_of(refused, 503));
    client_close(&client);
}

static void test_http_1_0(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    json_free(json_of(client_ask(world, &client,
                                 "GET /v1/sendposts/daily/run/ws HTTP/1.0\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                                 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
                      426));
    client_close(&client);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_events),
        TEST(test_ping),
        TEST(test_byte_by_byte),
        TEST(test_a_client_that_has_gone),
        TEST(test_the_end),
        TEST(test_freed_in_the_middle),
        TEST(test_a_journal_that_cannot_be_read),
        TEST(test_http_1_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
