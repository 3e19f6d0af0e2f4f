/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"
#include "api/operations.h"
#include "base/text.h"
#include "fixture.h"

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

static void test_each_route_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const Route *route = route_at(i);
        if (!operation_find(route->method, route->pattern)) {
            fail_msg("operations.c says nothing about %s %s", route->method, route->pattern);
        }
    }
    assert_null(operation_find("PATCH", "/metrics"));
}

static void test_nothing_else_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < operation_count(); i++) {
        const Operation *operation = operation_at(i);
        bool found = false;
        for (size_t j = 0; j < route_count() && !found; j++) {
            found = text_equal(route_at(j)->method, operation->method) &&
                    text_equal(route_at(j)->pattern, operation->pattern);
        }
        if (!found) {
            fail_msg("operations.c describes %s %s, which is no route", operation->method, operation->pattern);
        }
    }
}

static void test_tags_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < operation_count(); i++) {
        const Tag *tag = operation_tags;
        while (tag->name && strcmp(tag->name, operation_at(i)->tag) != 0) {
            tag++;
        }
        assert_non_null(tag->name);
    }
}

static void test_ids_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < operation_count(); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(operation_at(i)->id, operation_at(j)->id);
        }
    }
}

static Json *document(void)
{
    auto_buffer text = {.maximum = RESPONSE_BODY_MAX};
    Error error = {0};
    openapi_print(&text);
    Json *json = json_parse(text.bytes, text.length, &error);
    if (!json) {
        fail_msg("%s", error.text);
    }
    return json;
}

/* Members of an object are written once each: the parser refuses duplicates. */
static void test_document(void **state)
{
    (void)state;
    auto_json *json = document();
    const Json *paths = json_member(json, "paths");
    assert_string_equal(json_member_text(json, "openapi"), "3.1.0");
    assert_int_equal(json_count(paths), route_count());
    const Json *cancel = json_member(json_member(paths, "/v1/runs/{id}/cancel"), "post");
    const Json *answers = json_member(cancel, "responses");
    static const char *const statuses[] = {"200", "202", "400", "403", "404", "408", "409", "413", "422", "429", "503"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        assert_non_null(json_member(answers, statuses[i]));
    }
    const Json *stranger = json_member(json_member(json_member(json_member(paths, "/"), "get"), "responses"), "401");
    assert_int_equal(json_count(json_member(stranger, "content")), 2); /* a problem, or the page */
    const Json *list = json_member(paths, "/v1/runs");
    assert_int_equal(json_count(json_member(json_member(list, "get"), "parameters")), 5);
    assert_non_null(json_member(list, "head"));
    assert_null(json_member(json_member(paths, "/v1/runs/{id}/cancel"), "head"));
}

static void test_enumerations_are_the_engine_s(void **state)
{
    (void)state;
    auto_json *json = document();
    const Json *schemas = json_member(json_member(json, "components"), "schemas");
    const Json *run = json_member(json_member(schemas, "RunSummary"), "properties");
    const Json *name = json_first(json_member(json_member(run, "state"), "enum"));
    for (int i = 0; i < STATES; i++, name = json_next(name)) {
        assert_string_equal(json_text(name), state_names[i]);
    }
    assert_null(name);
}

static void test_served(void **state)
{
    World *world = *state;
    auto_free char *answer = ask(world, "GET /v1/openapi.json", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
    auto_json *served = json_of(answer, 200);
    auto_json *printed = document();
    assert_int_equal(json_count(served), json_count(printed));
    const char *etag = strstr(answer, "ETag: ");
    assert_non_null(etag);
    auto_free char *header = text_format("If-None-Match: %.*s\r\n", (int)strcspn(etag + 6, "\r"), etag + 6);
    auto_free char *again = ask_with(world, "GET /v1/openapi.json", header, NULL);
    assert_int_equal(status_of(again), 304);
    Client client = client_open(world);
    const char *compressed =
        client_ask(world, &client, "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_non_null(strstr(compressed, "\r\nContent-Encoding: gzip\r\n"));
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_route_is_described),
        cmocka_unit_test(test_nothing_else_is_described),
        cmocka_unit_test(test_tags_are_known),
        cmocka_unit_test(test_ids_differ),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_enumerations_are_the_engine_s),
        cmocka_unit_test_setup_teardown(test_served, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
