/* SPDX-License-Identifier: Apache-2.0 */
#include "api/listener.h"
#include "fixture.h"
#include <sys/stat.h>
#include <sys/un.h>

static bool opens(const char *address, Listener *listener, Error *error)
{
    *error = (Error){0};
    return listener_open(listener, NULL, address, false, NULL, error);
}

static void test_network(void **state)
{
    (void)state;
    static const struct {
        const char *address, *name;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1", true},
        {"localhost:0", "localhost", true},
        {"0.0.0.0:0", "0.0.0.0", false},
        {":0", "0.0.0.0", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Listener listener;
        Error error;
        assert_true(opens(cases[i].address, &listener, &error));
        assert_string_equal(listener.name, cases[i].name);
        assert_int_equal(listener.loopback, cases[i].loopback);
        assert_string_not_equal(listener.address, cases[i].address);
        listener_stop(&listener);
        listener_close(&listener);
    }
}

static void test_v6(void **state)
{
    (void)state;
    Listener listener;
    Error error;
    if (!opens("[::1]:0", &listener, &error)) {
        skip(); /* a machine without IPv6 */
    }
    assert_string_equal(listener.name, "[::1]");
    assert_true(listener.loopback);
    listener_close(&listener);
}

static void test_refused_addresses(void **state)
{
    (void)state;
    static const char *const addresses[] = {"localhost",
                                            "[::1]",
                                            "[::1]x:1",
                                            "127.0.0.1:port",
                                            "no-such-host.invalid:1",
                                            "unix:relative",
                                            "unix:/no/such/directory/socket"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        Listener listener;
        Error error;
        assert_false(opens(addresses[i], &listener, &error));
        assert_non_null(strstr(error.text, addresses[i]));
    }
    auto_free char *endless = text_format("unix:/%200s", "x");
    Listener listener;
    Error error;
    assert_false(opens(endless, &listener, &error));
}

static void test_an_address_in_use(void **state)
{
    (void)state;
    Listener first, second;
    Error error;
    assert_true(opens("127.0.0.1:0", &first, &error));
    assert_false(opens(first.address, &second, &error));
    assert_non_null(strstr(error.text, "in use"));
    listener_close(&first);
}

static char *socket_path(void)
{
    char directory[] = "/tmp/sendpost-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    return text_format("%s/socket", directory);
}

static void remove_directory(char *path)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

static void test_local_sockets(void **state)
{
    (void)state;
    auto_free char *path = socket_path();
    auto_free char *address = text_format("unix:%s", path);
    Listener first, second;
    Error error;
    struct stat status;
    assert_true(opens(address, &first, &error));
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_false(opens(address, &second, &error));
    assert_non_null(strstr(error.text, "somebody listens"));
    assert_int_equal(lstat(path, &status), 0);
    listener_stop(&first);
    listener_close(&first);
    assert_int_equal(lstat(path, &status), -1);
    remove_directory(path);
}

/* What a crash leaves behind is replaced; a file that is no socket stays. */
static void test_what_is_in_the_way(void **state)
{
    (void)state;
    auto_free char *path = socket_path();
    auto_free char *address = text_format("unix:%s", path);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&name, sizeof name), 0);
    close(stale);
    Listener listener;
    Error error;
    assert_true(opens(address, &listener, &error));
    unlink(path);
    fclose(fopen(path, "w"));
    listener_close(&listener); /* what is there now is not ours */
    assert_int_equal(access(path, F_OK), 0);
    assert_false(opens(address, &listener, &error));
    assert_non_null(strstr(error.text, "not a socket"));
    remove_directory(path);
}

static void test_requests_over_a_local_socket(void **state)
{
    (void)state;
    auto_free char *path = socket_path();
    World *world = world_new();
    server_free(world->server);
    free(world->listen[0]);
    world->listen[0] = text_format("unix:%s", path);
    world_start(world);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    Client client = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    buffer_init(&client.received, 1 << 20);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&name, sizeof name), 0);
    const char *answer = client_ask(world, &client, "GET /-/healthy HTTP/1.1\r\nHost: any.example\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    client_close(&client);
    world_free(world);
    remove_directory(path);
}

static void test_requests_over_v6(void **state)
{
    (void)state;
    World *world = world_new();
    server_free(world->server);
    free(world->listen[0]);
    world->listen[0] = text_copy("[::1]:0");
    Listener probe;
    Error error;
    if (!opens("[::1]:0", &probe, &error)) {
        skip(); /* a machine without IPv6 */
    }
    listener_close(&probe);
    world_start(world);
    uint16_t port = (uint16_t)atoi(strrchr(server_address(world->server), ':') + 1);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(port)};
    Client client = {.fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    buffer_init(&client.received, 1 << 20);
    connect(client.fd, (struct sockaddr *)&name, sizeof name);
    const char *answer = client_ask(world, &client, "POST /v1/sendposts/a/run HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    assert_int_equal(status_of(answer), 404);
    client_close(&client);
    world_free(world);
}

static void test_servers_that_do_not_start(void **state)
{
    (void)state;
    World *world = world_new();
    char *addresses[] = {world->listen[0], world->listen[0]};
    Configuration configuration = world->configuration;
    addresses[1] = text_copy(server_address(world->server));
    configuration.http_listen = (TextList){addresses, 2};
    ServerView view = {.configuration = &configuration};
    Error error = {0};
    assert_null(server_new(&view, &error));
    assert_int_equal(error.kind, ERROR_IO);
    configuration.http_listen.count = 0;
    assert_null(server_new(&view, &error));
    free(addresses[1]);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_refused_addresses),
        cmocka_unit_test(test_an_address_in_use),
        cmocka_unit_test(test_local_sockets),
        cmocka_unit_test(test_what_is_in_the_way),
        cmocka_unit_test(test_requests_over_a_local_socket),
        cmocka_unit_test(test_requests_over_v6),
        cmocka_unit_test(test_servers_that_do_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
