/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define ID   "00000000-0000-4000-8000-0000000000dd"
#define FLOW "00000000-0000-4000-8000-0000000000f1"

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "a.yaml", "name: by-name\nstages:\n  - {name: one, run: mailing/render}\n");
    world_load(world, "b.yaml", "name: by-id\nstages:\n  - {name: one, run: " ID "}\n");
    world_load(world, "c.yaml", "name: other\nstages:\n  - {name: one, run: mailing/email}\n");
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static Client client;

/* The request leads to this question... */
static void asks(World *world, const char *line, const char *path)
{
    auto_free char *request = text_format("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", line);
    client = client_open(world);
    assert_string_equal(client_ask(world, &client, request), "");
    assert_true(world->fetch.token != 0);
    assert_string_equal(world->fetch.path, path);
}

/* ...which is answered so; what comes back is what the client gets, or the next question. */
static const char *prefect_says(World *world, int status, const char *body, char *message)
{
    PrefectFetched fetched = {.token = world->fetch.token, .status = status, .message = message};
    fetched.body = body ? json_parse(body, strlen(body), NULL) : NULL;
    world->fetch = (ServerFetch){0};
    server_fetched(world->server, &fetched);
    json_free(fetched.body);
    return client_ask(world, &client, "");
}

static void test_list(void **state)
{
    World *world = *state;
    asks(world, "/v1/prefect/deployments?search=MAIL", "/deployments/filter");
    assert_non_null(strstr(world->fetch.body, "\"limit\":200,\"offset\":0"));
    const char *answer =
        prefect_says(world, 200,
                     "[{\"id\":\"1\",\"name\":\"render\",\"flow_id\":\"f1\",\"paused\":true,\"tags\":[\"t\"],"
                     "\"work_pool_name\":\"pool\"},{\"id\":\"2\",\"name\":\"load\",\"flow_id\":\"f2\"},"
                     "{\"id\":\"3\",\"name\":\"send\",\"flow_id\":\"f1\",\"tags\":null}]",
                     NULL);
    assert_string_equal(answer, "");
    assert_string_equal(world->fetch.path, "/flows/filter");
    assert_string_equal(world->fetch.body, "{\"flows\":{\"id\":{\"any_\":[\"f1\",\"f2\"]}},\"limit\":200}");
    answer = prefect_says(
        world, 200,
        "[{\"id\":\"f1\",\"name\":\"mailing\"},{\"id\":\"f2\",\"name\":\"etl\"},{\"id\":\"f3\",\"name\":\"new\"}]",
        NULL);
    json_free(json_of(answer, 200));
    assert_string_equal(body_of(answer),
                        "{\"deployments\":[{\"id\":\"1\",\"name\":\"mailing/render\",\"paused\":true,\"tags\":[\"t\"],"
                        "\"work_pool\":\"pool\"},{\"id\":\"3\",\"name\":\"mailing/send\",\"paused\":false,\"tags\":[],"
                        "\"work_pool\":null}],\"complete\":true}");
    client_close(&client);
}

static void assert_by_name(const Json *deployments)
{
    const char *before = "";
    for (const Json *each = json_first(deployments); each; each = json_next(each)) {
        assert_true(strcmp(before, json_member_text(each, "name")) < 0);
        before = json_member_text(each, "name");
    }
}

static void test_a_list_of_several_pages(void **state)
{
    World *world = *state;
    Buffer page;
    buffer_init(&page, 1 << 20);
    buffer_text(&page, "[");
    for (int i = 0; i < POLL_BATCH_MAX; i++) {
        buffer_format(&page, "%s{\"id\":\"%d\",\"name\":\"d%d\",\"flow_id\":\"f\"}", i ? "," : "", i, i);
    }
    buffer_text(&page, "]");
    asks(world, "/v1/prefect/deployments", "/deployments/filter");
    prefect_says(world, 200, page.bytes, NULL);
    assert_non_null(strstr(world->fetch.body, "\"offset\":200"));
    prefect_says(world, 200, "[]", NULL);
    const char *answer = prefect_says(world, 200, "[{\"id\":\"f\",\"name\":\"flow\"}]", NULL);
    auto_json *list = json_of(answer, 200);
    assert_int_equal(json_count(json_member(list, "deployments")), POLL_BATCH_MAX);
    assert_by_name(json_member(list, "deployments"));
    buffer_release(&page);
    client_close(&client);
}

static void assert_deployment(const char *answer)
{
    auto_json *deployment = json_of(answer, 200);
    assert_string_equal(json_member_text(deployment, "id"), ID);
    assert_string_equal(json_member_text(deployment, "name"), "mailing/render");
    assert_int_equal(json_count(json_member(deployment, "parameters")), 1);
    assert_int_equal(json_type(json_member(deployment, "parameter_schema")), JSON_OBJECT);
    const Json *users = json_member(deployment, "sendposts");
    assert_int_equal(json_count(users), 2);
    assert_string_equal(json_text(json_first(users)), "by-id");
}

static const char deployment_text[] =
    "{\"id\":\"" ID "\",\"name\":\"render\",\"flow_id\":\"" FLOW "\",\"parameters\":{\"limit\":1},"
    "\"parameter_openapi_schema\":{},\"tags\":[]}";

static void test_one_by_name(void **state)
{
    asks(*state, "/v1/prefect/deployments/mailing/render", "/deployments/name/mailing/render");
    assert_null(((World *)*state)->fetch.body);
    assert_deployment(prefect_says(*state, 200, deployment_text, NULL));
    client_close(&client);
    asks(*state, "/v1/prefect/deployments/my%20flow/x%3Fy", "/deployments/name/my%20flow/x%3Fy");
    json_free(json_of(prefect_says(*state, 404, "{\"detail\":\"Deployment not found\"}", NULL), 404));
    client_close(&client);
}

static void test_a_name_without_end(void **state)
{
    auto_free char *line = text_format("GET /v1/prefect/deployments/a/%06000d", 0);
    for (char *at = line + strlen("GET /v1/prefect/deployments/a/"); *at; at++) {
        *at = '%';
    }
    auto_free char *escaped = ask(*state, line, NULL);
    assert_int_equal(status_of(escaped), 400);
    memset(strchr(line, '%'), '+', 6000);
    auto_free char *answer = ask(*state, line, NULL);
    json_free(json_of(answer, 404));
}

static void test_one_by_id(void **state)
{
    asks(*state, "/v1/prefect/deployments/" ID, "/deployments/" ID);
    prefect_says(*state, 200, deployment_text, NULL);
    assert_string_equal(((World *)*state)->fetch.path, "/flows/" FLOW);
    assert_deployment(prefect_says(*state, 200, "{\"id\":\"" FLOW "\",\"name\":\"mailing\"}", NULL));
    client_close(&client);
    auto_free char *nonsense = ask(*state, "GET /v1/prefect/deployments/nonsense", NULL);
    json_free(json_of(nonsense, 404));
}

static void test_prefect_away(void **state)
{
    char cause[] = "connection refused";
    asks(*state, "/v1/prefect/deployments", "/deployments/filter");
    auto_json *away = json_of(prefect_says(*state, 0, NULL, cause), 502);
    assert_string_equal(json_member_text(away, "detail"), "Prefect cannot be reached: connection refused");
    client_close(&client);
    asks(*state, "/v1/prefect/deployments/a/b", "/deployments/name/a/b");
    auto_json *denied = json_of(prefect_says(*state, 401, "{}", NULL), 502);
    assert_string_equal(json_member_text(denied, "detail"), "Prefect answered 401");
    client_close(&client);
}

static void test_nonsense(void **state)
{
    static const char *const pages[] = {"{}", "[{}]", "[{\"id\":1}]", "5"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        asks(*state, "/v1/prefect/deployments", "/deployments/filter");
        json_free(json_of(prefect_says(*state, 200, pages[i], NULL), 502));
        client_close(&client);
        asks(*state, "/v1/prefect/deployments", "/deployments/filter");
        prefect_says(*state, 200, "[{\"id\":\"1\",\"name\":\"a\",\"flow_id\":\"f\"}]", NULL);
        json_free(json_of(prefect_says(*state, 200, pages[i], NULL), 502));
        client_close(&client);
        asks(*state, "/v1/prefect/deployments/" ID, "/deployments/" ID);
        json_free(json_of(prefect_says(*state, 200, pages[i], NULL), 502));
        client_close(&client);
        asks(*state, "/v1/prefect/deployments/" ID, "/deployments/" ID);
        prefect_says(*state, 200, deployment_text, NULL);
        json_free(json_of(prefect_says(*state, 200, pages[i], NULL), 502));
        client_close(&client);
        asks(*state, "/v1/prefect/deployments/a/b", "/deployments/name/a/b");
        json_free(json_of(prefect_says(*state, 200, pages[i], NULL), 502));
        client_close(&client);
    }
}

static void test_a_question_is_open_at_the_end(void **state)
{
    asks(*state, "/v1/prefect/deployments", "/deployments/filter");
    prefect_says(*state, 200, "[{\"id\":\"1\",\"name\":\"a\",\"flow_id\":\"f\"}]", NULL);
    PrefectFetched stray = {.token = 99};
    server_fetched(((World *)*state)->server, &stray);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, start, stop),
        cmocka_unit_test_setup_teardown(test_a_list_of_several_pages, start, stop),
        cmocka_unit_test_setup_teardown(test_one_by_name, start, stop),
        cmocka_unit_test_setup_teardown(test_a_name_without_end, start, stop),
        cmocka_unit_test_setup_teardown(test_one_by_id, start, stop),
        cmocka_unit_test_setup_teardown(test_prefect_away, start, stop),
        cmocka_unit_test_setup_teardown(test_nonsense, start, stop),
        cmocka_unit_test_setup_teardown(test_a_question_is_open_at_the_end, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
