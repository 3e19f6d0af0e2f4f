/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const char daily[] = "name: daily\n"
                            "description: Daily mailing\n"
                            "owner: crm\n"
                            "labels: {tier: gold}\n"
                            "parameters:\n"
                            "  audience: {default: all, enum: [all, test], description: Who gets it}\n"
                            "  limit: {type: integer, required: false}\n"
                            "schedule: {cron: \"0 7 * * mon-fri\", timezone: Europe/Berlin, catch_up: latest}\n"
                            "timeout: 2h\n"
                            "stages:\n"
                            "  - {name: render, run: mailing/render}\n"
                            "  - name: deliver\n"
                            "    parallel:\n"
                            "      - {name: email, run: mailing/email}\n"
                            "      - {name: push, observe: mailing/push, within: today}\n"
                            "  - {name: report, run: 00000000-0000-4000-8000-0000000000dd, needs: [deliver/push]}\n";

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "daily.yaml", daily);
    world_load(world, "other.yaml", "name: other\nlabels: {tier: silver}\nstages:\n  - {name: one, run: a/b}\n");
    world_load(world, "third.yaml",
               "name: third\nlabels: {tier: gold, 'a:b': 'c:d'}\nstages:\n  - {name: one, run: a/b}\n");
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

static Json *get(World *world, const char *path)
{
    auto_free char *line = text_format("GET %s", path);
    auto_free char *answer = ask(world, line, NULL);
    return json_of(answer, 200);
}

/* The names of the members, joined: they are part of the contract, as is their order. */
static void assert_members(const Json *object, const char *names)
{
    auto_buffer joined;
    buffer_init(&joined, 4096);
    for (const Json *member = json_first(object); member; member = json_next(member)) {
        buffer_format(&joined, "%s%s", joined.length ? " " : "", json_name(member));
    }
    assert_string_equal(joined.bytes, names);
}

static const Json *at(const Json *array, int index)
{
    const Json *item = json_first(array);
    while (index-- > 0) {
        item = json_next(item);
    }
    return item;
}

static void test_sendpost(void **state)
{
    auto_json *sendpost = get(*state, "/v1/sendposts/daily");
    assert_members(sendpost,
                   "name description owner labels enabled state parameters timezone schedule ticks concurrency "
                   "timeout_seconds deadline_seconds freshness_seconds definition stages active_runs last_run "
                   "last_success_at last_failure_at links");
    assert_string_equal(json_member_text(sendpost, "state"), "never_run");
    assert_string_equal(json_member_text(json_member(sendpost, "labels"), "tier"), "gold");
    const Json *parameters = json_member(sendpost, "parameters");
    assert_members(at(parameters, 0), "name type default enum required description");
    assert_string_equal(json_member_text(at(parameters, 0), "default"), "all");
    assert_int_equal(json_count(json_member(at(parameters, 0), "enum")), 2);
    assert_string_equal(json_member_text(at(parameters, 1), "type"), "integer");
    assert_int_equal(json_type(json_member(at(parameters, 1), "default")), JSON_NULL);
    const Json *schedule = at(json_member(sendpost, "schedule"), 0), *ticks = json_member(sendpost, "ticks");
    assert_members(schedule, "cron timezone catch_up next_run_at");
    assert_non_null(strstr(json_member_text(schedule, "next_run_at"), "T0")); /* 5 or 6 o'clock UTC */
    assert_members(at(ticks, 0), "at verdict run");
    assert_string_equal(json_member_text(at(ticks, 0), "at"), "1970-01-02T00:00:00.000Z");
    assert_string_equal(json_member_text(at(ticks, 0), "verdict"), "caught_up");
    assert_string_equal(json_member_text(at(ticks, 0), "run"), "run");
    assert_string_equal(json_member_text(at(ticks, 1), "verdict"), "missed");
    assert_int_equal(json_type(json_member(at(ticks, 1), "run")), JSON_NULL);
    int64_t timeout = 0;
    assert_true(json_integer(json_member(sendpost, "timeout_seconds"), &timeout) && timeout == 7200);
    assert_int_equal(json_type(json_member(sendpost, "deadline_seconds")), JSON_NULL);
    assert_members(json_member(sendpost, "definition"), "file sha256 loaded_at revision error");
    auto_free char *self = text_format("http://%s/v1/sendposts/daily", server_address(((World *)*state)->server));
    assert_string_equal(json_member_text(json_member(sendpost, "links"), "self"), self);
}

static void test_stage_definitions(void **state)
{
    auto_json *sendpost = get(*state, "/v1/sendposts/daily");
    const Json *stages = json_member(sendpost, "stages"), *deliver = at(stages, 1), *report = at(stages, 2);
    assert_int_equal(json_count(stages), 3);
    assert_members(deliver, "name path kind deployment needs state last_duration_seconds stages");
    assert_string_equal(json_member_text(deliver, "kind"), "parallel");
    assert_string_equal(json_member_text(deliver, "state"), "never_run");
    assert_string_equal(json_text(at(json_member(deliver, "needs"), 0)), "render");
    assert_string_equal(json_member_text(at(json_member(deliver, "stages"), 1), "path"), "deliver/push");
    assert_string_equal(json_member_text(at(json_member(deliver, "stages"), 1), "kind"), "observe");
    assert_string_equal(json_text(at(json_member(report, "needs"), 0)), "deliver/push");
}

static void test_a_broken_file_is_shown(void **state)
{
    World *world = *state;
    engine_step(world->engine,
                &(Happening){
                    .kind = HAPPENED_BROKEN,
                    .file = {.file = "daily.yaml", .revision = "r2", .message = "unknown key", .line = 3, .column = 1}},
                world->now, &world->actions);
    actions_clear(&world->actions);
    auto_json *sendpost = get(world, "/v1/sendposts/daily");
    const Json *error = json_member(json_member(sendpost, "definition"), "error");
    assert_members(error, "message file line column");
    assert_string_equal(json_member_text(error, "message"), "unknown key");
    auto_json *status = get(world, "/v1/status");
    assert_int_equal(json_count(json_member(status, "file_errors")), 1);
}

static void test_lists_of_sendposts(void **state)
{
    auto_json *all = get(*state, "/v1/sendposts");
    const Json *sendposts = json_member(all, "sendposts");
    assert_int_equal(json_count(sendposts), 3);
    assert_members(at(sendposts, 0),
                   "name description owner labels enabled state active_runs last_run next_run_at error links");
    assert_int_equal(json_type(json_member(all, "next")), JSON_NULL);
    auto_json *first = get(*state, "/v1/sendposts?limit=2");
    assert_int_equal(json_count(json_member(first, "sendposts")), 2);
    auto_free char *path = text_format("/v1/sendposts?limit=2&cursor=%s", json_member_text(first, "next"));
    auto_json *rest = get(*state, path);
    assert_string_equal(json_member_text(at(json_member(rest, "sendposts"), 0), "name"), "third");
    auto_json *gold = get(*state, "/v1/sendposts?label=tier:gold&state=never_run,failed&state=running");
    assert_int_equal(json_count(json_member(gold, "sendposts")), 2);
    auto_json *colons = get(*state, "/v1/sendposts?label=a:b:c:d");
    assert_int_equal(json_count(json_member(colons, "sendposts")), 1);
    auto_json *none = get(*state, "/v1/sendposts?label=tier%3Agold&label=tier:silver");
    assert_int_equal(json_count(json_member(none, "sendposts")), 0);
    auto_json *failed = get(*state, "/v1/sendposts?state=failed");
    assert_int_equal(json_count(json_member(failed, "sendposts")), 0);
}

/* One run is active, one is planned; the sendpost says so of itself and of its stages. */
static void test_an_active_sendpost(void **state)
{
    World *world = *state;
    auto_free char *accepted = ask(world, "POST /v1/sendposts/daily/run", "{}");
    auto_json *run = json_of(accepted, 202);
    auto_free char *planned = ask(world, "POST /v1/sendposts/daily/run", "{\"start_at\":\"2030-01-01T00:00:00Z\"}");
    auto_json *later = json_of(planned, 202);
    assert_string_equal(json_member_text(later, "state"), "scheduled");
    assert_string_equal(json_member_text(later, "start_at"), "2030-01-01T00:00:00.000Z");
    AnswerEvent resolved = {.reference = "mailing/render", .deployment_id = "d1", .deployment_name = "mailing/render"};
    world_step(world, &(Happening){.kind = HAPPENED_RESOLVED, .answer = resolved});
    auto_json *sendpost = get(world, "/v1/sendposts/daily");
    assert_string_equal(json_member_text(sendpost, "state"), "scheduled");
    assert_string_equal(json_text(at(json_member(sendpost, "active_runs"), 0)), json_member_text(run, "id"));
    assert_string_equal(json_member_text(json_member(sendpost, "links"), "prefect"),
                        "http://prefect.example/deployments/deployment/d1");
    assert_string_equal(json_member_text(at(json_member(sendpost, "stages"), 1), "state"), "waiting");
    auto_json *list = get(world, "/v1/sendposts?state=scheduled");
    const Json *summary = at(json_member(list, "sendposts"), 0);
    assert_string_equal(json_member_text(summary, "next_run_at"), "2026-11-19T07:00:00.000Z"); /* its schedule's */
}

static void test_links_to_an_external_url(void **state)
{
    static char external[] = "https://mail.example/sendpost/";
    World *world = *state;
    server_free(world->server);
    world->configuration.http_external_url = external;
    world_start(world);
    auto_json *sendpost = get(world, "/v1/sendposts/daily");
    assert_string_equal(json_member_text(json_member(sendpost, "links"), "self"),
                        "https://mail.example/sendpost/v1/sendposts/daily");
}

static void test_an_exchanged_engine(void **state)
{
    World *world = *state;
    Engine *fresh = engine_new(&(EngineOptions){.namespace = "ns", .ui_url = ""});
    server_set_engine(world->server, fresh);
    auto_json *list = get(world, "/v1/sendposts");
    assert_int_equal(json_count(json_member(list, "sendposts")), 0);
    auto_free char *gone = ask(world, "GET /v1/sendposts/daily", NULL);
    json_free(json_of(gone, 404));
    auto_free char *run = ask(world, "GET /v1/runs/01920000-0000-7000-8000-0000000000aa", NULL);
    json_free(json_of(run, 404));
    engine_free(fresh);
}

static void test_definition(void **state)
{
    auto_free char *answer = ask(*state, "GET /v1/sendposts/daily/definition", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(body_of(answer), daily);
    assert_non_null(strstr(answer, "\r\nContent-Type: application/yaml\r\n"));
    char digest[DIGEST_HEX_SIZE];
    digest_sha256_hex(daily, sizeof daily - 1, digest);
    auto_free char *etag = text_format("\r\nETag: \"%s\"\r\n", digest);
    assert_non_null(strstr(answer, etag));
    auto_free char *known = text_format("If-None-Match: W/\"x\", \"%s\"\r\n", digest);
    auto_free char *same = ask_with(*state, "GET /v1/sendposts/daily/definition", known, NULL);
    assert_int_equal(status_of(same), 304);
    auto_free char *missing = ask(*state, "GET /v1/sendposts/nothing/definition", NULL);
    json_free(json_of(missing, 404));
}

static void remember_ended_run(World *world)
{
    world->journal.ended = (RunRecord){
        .id = "01920000-0000-7000-8000-0000000000ab",
        .sendpost = text_copy("daily"),
        .state = STATE_FAILED,
        .reason = REASON_TIMED_OUT,
        .created_at = 1000,
        .started_at = 2000,
        .ended_at = 5250,
        .duration_ms = 3250,
        .for_at = 1000,
        .parameters = text_copy("{\"audience\":\"all\"}"),
        .retry_of = "01920000-0000-7000-8000-0000000000aa",
    };
    digest_sha256_hex(daily, sizeof daily - 1, world->journal.ended.definition_sha256);
}

static void test_an_ended_run(void **state)
{
    World *world = *state;
    remember_ended_run(world);
    auto_json *run = get(world, "/v1/runs/01920000-0000-7000-8000-0000000000AB");
    assert_members(
        run, "id sendpost state reason trigger for start_at created_at started_at ended_at duration_seconds failure "
             "parameters triggered_by trigger_reason definition_sha256 revision retry_of retried_by held stages");
    assert_string_equal(json_member_text(run, "reason"), "timed_out");
    assert_string_equal(json_member_text(run, "started_at"), "1970-01-01T00:00:02.000Z");
    double duration = 0;
    assert_true(json_number(json_member(run, "duration_seconds"), &duration) && duration == 3.25);
    assert_int_equal(json_type(json_member(run, "retried_by")), JSON_NULL);
    const Json *deliver = at(json_member(run, "stages"), 1);
    assert_members(
        deliver, "name path kind state reason message attempt attempts started_at ended_at duration_seconds deployment "
                 "flow_run prefect_state parameters stages");
    assert_string_equal(json_member_text(deliver, "state"), "skipped");
}

/* Its definition is not the current one: the journal has its text. The fake journal's one stage record is of node 1. */
static void test_a_run_of_an_older_definition(void **state)
{
    World *world = *state;
    remember_ended_run(world);
    world->journal.ended.definition_sha256[0] ^= 1;
    world->journal.ended_text = "name: daily\nstages:\n  - name: all\n    parallel:\n      - {name: a, run: x/a}\n"
                                "      - {name: b, run: x/b}\n";
    auto_json *run = get(world, "/v1/runs/01920000-0000-7000-8000-0000000000ab");
    const Json *group = at(json_member(run, "stages"), 0), *stage = at(json_member(group, "stages"), 0);
    assert_string_equal(json_member_text(group, "state"), "completed");
    assert_string_equal(json_member_text(group, "started_at"), "1970-01-01T00:00:01.000Z");
    assert_string_equal(json_member_text(stage, "state"), "completed");
    double duration = 0;
    assert_true(json_number(json_member(stage, "duration_seconds"), &duration) && duration == 2.5);
    assert_string_equal(json_member_text(json_member(stage, "deployment"), "name"), "x/a");
    world->journal.ended_text = "no longer understood";
    auto_json *bare = get(world, "/v1/runs/01920000-0000-7000-8000-0000000000ab");
    assert_int_equal(json_count(json_member(bare, "stages")), 0);
}

static void test_lists_of_runs(void **state)
{
    World *world = *state;
    auto_json *none = get(world, "/v1/runs");
    assert_int_equal(json_count(json_member(none, "runs")), 0);
    remember_ended_run(world);
    auto_json *page =
        get(world, "/v1/runs?sendpost=daily&state=failed&state=failed,crashed&since=2026-01-01T00:00:00Z&limit=3");
    assert_int_equal(json_count(json_member(page, "runs")), 3);
    auto_free char *path = text_format("/v1/runs?cursor=%s", json_member_text(page, "next"));
    json_free(get(world, path));
    world->journal.fails = true;
    auto_free char *list = ask(world, "GET /v1/runs", NULL),
                   *one = ask(world, "GET /v1/runs/01920000-0000-7000-8000-0000000000ab", NULL);
    json_free(json_of(list, 503));
    json_free(json_of(one, 503));
}

static void test_status(void **state)
{
    auto_json *status = get(*state, "/v1/status");
    assert_members(status,
                   "version commit namespace started_at uptime_seconds revision revision_attempted prefect counts "
                   "directory_error file_errors tokens_error journal certificate caller problems");
    const Json *prefect = json_member(status, "prefect");
    assert_members(prefect, "url version reachable last_success_at error");
    assert_string_equal(json_member_text(prefect, "url"), "http://prefect.example/api");
    int64_t count = 0;
    assert_true(json_integer(json_member(json_member(status, "counts"), "sendposts"), &count) && count == 3);
}

static void test_ready(void **state)
{
    World *world = *state;
    auto_free char *ready = ask(world, "GET /-/ready", NULL);
    assert_int_equal(status_of(ready), 200);
    world->prefect.up = false;
    world->journal.statistics.writable = false;
    world->catalogue.statistics = (CatalogueStatistics){.applied = "", .attempted = ""};
    auto_free char *answer = ask(world, "GET /-/ready", NULL);
    auto_json *problem = json_of(answer, 503);
    assert_int_equal(json_count(json_member(problem, "missing")), 2);
    world->catalogue.statistics.error = "no such directory";
    auto_free char *unread = ask(world, "GET /-/ready", NULL);
    auto_json *cause = json_of(unread, 503);
    assert_string_equal(json_member_text(cause, "detail"), "not ready: no such directory");
}

/* All lines, whole and in order. */
static void assert_exposition(const char *text)
{
    for (int line = 0; line < EXPOSITION_LINES; line++) {
        int read = -1, length = 0;
        assert_int_equal(sscanf(text, "line_%d 1\n%n", &read, &length), 1);
        assert_int_equal(read, line);
        text += length;
    }
    assert_string_equal(text, "");
}

static void test_metrics_by_http_1_0(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    const char *answer = client_ask(world, &client, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert_int_equal(atoi(answer + 9), 200);
    assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_exposition(body_of(answer));
    client_close(&client);
}

/* However little memory the request's headers leave. */
static void test_metrics_after_large_headers(void **state)
{
    World *world = *state;
    static const int headers[] = {1, 11800, 20800, 22300, 22800};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        Client client = client_open(world);
        auto_free char *request =
            text_format("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Large: %*s\r\n\r\n", headers[i], "x");
        const char *answer = client_ask(world, &client, request);
        assert_int_equal(status_of(answer), 200);
        assert_non_null(strstr(answer, "\r\nContent-Length: 80000\r\n"));
        assert_exposition(body_of(answer));
        client_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sendpost, start, stop),
        cmocka_unit_test_setup_teardown(test_stage_definitions, start, stop),
        cmocka_unit_test_setup_teardown(test_a_broken_file_is_shown, start, stop),
        cmocka_unit_test_setup_teardown(test_lists_of_sendposts, start, stop),
        cmocka_unit_test_setup_teardown(test_an_active_sendpost, start, stop),
        cmocka_unit_test_setup_teardown(test_links_to_an_external_url, start, stop),
        cmocka_unit_test_setup_teardown(test_an_exchanged_engine, start, stop),
        cmocka_unit_test_setup_teardown(test_definition, start, stop),
        cmocka_unit_test_setup_teardown(test_an_ended_run, start, stop),
        cmocka_unit_test_setup_teardown(test_a_run_of_an_older_definition, start, stop),
        cmocka_unit_test_setup_teardown(test_lists_of_runs, start, stop),
        cmocka_unit_test_setup_teardown(test_status, start, stop),
        cmocka_unit_test_setup_teardown(test_ready, start, stop),
        cmocka_unit_test_setup_teardown(test_metrics_by_http_1_0, start, stop),
        cmocka_unit_test_setup_teardown(test_metrics_after_large_headers, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
