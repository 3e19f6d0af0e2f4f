/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define RELOAD  "POST /-/reload"
#define MEMBERS "revision revision_attempted files_loaded files_broken directory_error file_errors tokens_error"

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "daily.yaml", "name: daily\nstages:\n- {name: a, run: f/a}\n");
    world->catalogue.statistics.last_reload_successful = true;
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static void assert_has(const Json *json, const char *names)
{
    auto_free char *rest = text_copy(names);
    for (char *next = rest, *name; (name = strsep(&next, " "));) {
        assert_non_null(json_member(json, name));
    }
}

static void test_result(void **state)
{
    World *world = *state;
    auto_free char *answer = ask(world, RELOAD, NULL);
    auto_json *result = json_of(answer, 200);
    assert_has(result, MEMBERS);
    assert_int_equal(json_count(result), 7);
    assert_string_equal(json_member_text(result, "revision"), "r1");
    assert_string_equal(world->journal.audited, "127.0.0.1 reload 200");
}

static void test_broken_files(void **state)
{
    World *world = *state;
    world_step(world, &(Happening){.kind = HAPPENED_BROKEN,
                                   .file = {.file = "bad.yaml", .message = "unknown key", .line = 3, .column = 1}});
    world->catalogue.statistics.last_reload_successful = false;
    world->catalogue.statistics.broken = 1;
    auto_free char *answer = ask(world, RELOAD, "{}");
    auto_json *problem = json_of(answer, 422);
    assert_has(problem, MEMBERS);
    assert_string_equal(json_member_text(problem, "detail"), "1 of the files is broken; the others are in force");
    const Json *first = json_first(json_member(problem, "file_errors"));
    assert_string_equal(json_member_text(first, "file"), "bad.yaml");
    assert_string_equal(world->journal.audited, "127.0.0.1 reload 422");
}

static void test_directory_that_cannot_be_read(void **state)
{
    World *world = *state;
    world->catalogue.statistics.last_reload_successful = false;
    world->catalogue.statistics.error = "sendposts: No such file or directory";
    auto_free char *answer = ask(world, RELOAD, NULL);
    auto_json *problem = json_of(answer, 422);
    assert_string_equal(json_member_text(problem, "directory_error"), "sendposts: No such file or directory");
}

static void test_body(void **state)
{
    World *world = *state;
    static const struct {
        const char *body;
        int status;
    } cases[] = {{"{}", 200},
                 {"{\"idempotency_key\":\"x\"}", 200},
                 {"[]", 400},
                 {"{", 400},
                 {"{\"force\":true}", 400},
                 {"{\"idempotency_key\":5}", 400},
                 {"{\"idempotency_key\":\"\"}", 400}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_free char *answer = ask(world, RELOAD, cases[i].body);
        assert_int_equal(status_of(answer), cases[i].status);
    }
    auto_free char *header = ask_with(world, RELOAD, "Idempotency-Key: y\r\n", "{\"idempotency_key\":\"x\"}");
    assert_int_equal(status_of(header), 400);
    assert_int_equal(world->journal.audits, 8);
    assert_string_equal(world->journal.audited, "127.0.0.1 reload 400");
}

static void test_unavailable(void **state)
{
    World *world = *state;
    world->unavailable = true;
    auto_free char *answer = ask(world, RELOAD, NULL);
    assert_int_equal(status_of(answer), 503);
    assert_non_null(strstr(answer, "Retry-After: "));
}

static void test_shutting_down(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    client_ask(world, &client, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server_drain(world->server);
    auto_free char *answer =
        text_copy(client_ask(world, &client, RELOAD " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
    client_close(&client);
    assert_int_equal(status_of(answer), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_result, start, stop),
        cmocka_unit_test_setup_teardown(test_broken_files, start, stop),
        cmocka_unit_test_setup_teardown(test_directory_that_cannot_be_read, start, stop),
        cmocka_unit_test_setup_teardown(test_body, start, stop),
        cmocka_unit_test_setup_teardown(test_unavailable, start, stop),
        cmocka_unit_test_setup_teardown(test_shutting_down, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
