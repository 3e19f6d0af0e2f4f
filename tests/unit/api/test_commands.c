/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers and verbs, from the request to the engine and back. */
#include "fixture.h"

#define RUN "POST /v1/sendposts/daily/run"

static const char daily[] = "name: daily\n"
                            "parameters: {limit: {type: integer, minimum: 1, default: 1}}\n"
                            "stages:\n"
                            "  - {name: render, run: mailing/render, parameters: {limit: \"${params.limit}\"}}\n"
                            "  - name: deliver\n"
                            "    parallel:\n"
                            "      - {name: email, run: mailing/email}\n"
                            "      - {name: push, run: mailing/push, blocked: true}\n";

static int start(void **state)
{
    World *world = world_new();
    world_load(world, "daily.yaml", daily);
    world_load(world, "off.yaml", "name: off\nenabled: false\nstages:\n  - {name: one, run: a/b}\n");
    world_load(world, "queue.yaml", "name: queue\nconcurrency: queue\nstages:\n  - {name: one, run: a/b}\n");
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

/* The accepted run's id. */
static char *trigger(World *world)
{
    auto_free char *answer = ask(world, RUN, "{}");
    auto_json *run = json_of(answer, 202);
    return text_copy(json_member_text(run, "id"));
}

static void test_accepted(void **state)
{
    World *world = *state;
    auto_free char *answer =
        ask(world, RUN, "{\"parameters\":{\"limit\":5},\"reason\":\"a test\",\"for\":\"2026-11-20T00:00:00Z\"}");
    auto_json *run = json_of(answer, 202);
    const char *id = json_member_text(run, "id");
    auto_free char *location = text_format("\r\nLocation: /v1/runs/%s\r\n", id);
    assert_non_null(strstr(answer, location));
    assert_string_equal(json_member_text(run, "sendpost"), "daily");
    assert_string_equal(json_member_text(run, "state"), "scheduled");
    assert_string_equal(json_member_text(run, "trigger"), "api");
    assert_string_equal(json_member_text(run, "for"), "2026-11-20T00:00:00.000Z");
    assert_string_equal(json_member_text(run, "triggered_by"), "127.0.0.1");
    assert_string_equal(json_member_text(run, "trigger_reason"), "a test");
    assert_int_equal(json_count(json_member(run, "stages")), 2);
    const Json *group = json_next(json_first(json_member(run, "stages")));
    assert_string_equal(json_member_text(group, "kind"), "parallel");
    assert_string_equal(json_member_text(group, "state"), "waiting");
    assert_int_equal(json_count(json_member(group, "stages")), 2);
    assert_string_equal(world->journal.audited, "127.0.0.1 run daily 202");
}

static void test_any_content_type_and_no_body(void **state)
{
    auto_free char *form =
        ask_with(*state, "POST /v1/sendposts/queue/run", "Content-Type: application/x-www-form-urlencoded\r\n", "{}");
    assert_int_equal(status_of(form), 202);
    auto_free char *empty = ask(*state, "POST /v1/sendposts/queue/run", NULL);
    assert_int_equal(status_of(empty), 202);
    auto_free char *own = ask_with(*state, "POST /v1/sendposts/queue/run",
                                   "Origin: http://localhost\r\nContent-Type: application/json\r\n", "{}");
    assert_int_equal(status_of(own), 202);
}

static void test_bad_bodies(void **state)
{
    static const char *const bodies[] = {"{",   "[]", "{\"unknown\":1}", "{\"parameters\":[]}", "{\"for\":\"soon\"}",
                                         "{}{}"};
    World *world = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        auto_free char *answer = ask(world, RUN, bodies[i]);
        json_free(json_of(answer, 400));
    }
    assert_int_equal(world->journal.audits, 6);
    assert_string_equal(world->journal.audited, "127.0.0.1 run daily 400");
    assert_string_equal(world->journal.audited_run, "");
}

static void test_refusals(void **state)
{
    World *world = *state;
    auto_free char *unknown = ask(world, "POST /v1/sendposts/nothing/run", "{}");
    json_free(json_of(unknown, 404));
    auto_free char *off = ask(world, "POST /v1/sendposts/off/run", "{}");
    auto_json *disabled = json_of(off, 409);
    assert_int_equal(json_type(json_member(disabled, "enabled")), JSON_BOOLEAN);
    assert_false(json_boolean(json_member(disabled, "enabled"), true));
    auto_free char *id = trigger(world);
    auto_free char *again = ask(world, RUN, "{}");
    auto_json *running = json_of(again, 409);
    assert_string_equal(json_member_text(running, "active_run"), id);
    assert_string_equal(json_member_text(running, "title"), "Conflict");
    auto_free char *detail = text_format("daily is already running: %s", id);
    assert_string_equal(json_member_text(running, "detail"), detail);
}

static void test_bad_parameters(void **state)
{
    auto_free char *answer = ask(*state, RUN, "{\"parameters\":{\"limit\":0,\"other\":1}}");
    auto_json *problem = json_of(answer, 422);
    const Json *errors = json_member(problem, "errors");
    assert_int_equal(json_count(errors), 2);
    for (const Json *error = json_first(errors); error; error = json_next(error)) {
        const char *pointer = json_member_text(error, "pointer");
        assert_true(strcmp(pointer, "/parameters/limit") == 0 || strcmp(pointer, "/parameters/other") == 0);
        assert_non_null(json_member_text(error, "detail"));
    }
    auto_free char *from = ask(*state, RUN, "{\"from\":\"nowhere\"}");
    auto_json *unknown = json_of(from, 422);
    assert_string_equal(json_member_text(json_first(json_member(unknown, "errors")), "pointer"), "/from");
}

static void test_a_queue_has_an_end(void **state)
{
    for (int i = 0; i <= QUEUE_MAX + 1; i++) {
        auto_free char *answer = ask(*state, "POST /v1/sendposts/queue/run", "{}");
        assert_int_equal(status_of(answer), i <= QUEUE_MAX ? 202 : 503);
        assert_true(i <= QUEUE_MAX || strstr(answer, "\r\nRetry-After: "));
    }
}

static void test_keys(void **state)
{
    World *world = *state;
    auto_free char *both = ask_with(world, RUN, "Idempotency-Key: one\r\n", "{\"idempotency_key\":\"two\"}");
    json_free(json_of(both, 400));
    auto_free char *empty = ask_with(world, RUN, "Idempotency-Key: \r\n", "{}");
    json_free(json_of(empty, 400));
    auto_free char *bytes = ask_with(world, RUN, "Idempotency-Key: \xff\r\n", "{}");
    json_free(json_of(bytes, 400));
    auto_free char *first = ask_with(world, RUN, "Idempotency-Key: k\r\n", "{\"idempotency_key\":\"k\"}");
    auto_json *run = json_of(first, 202);
    snprintf(world->journal.known_key, sizeof world->journal.known_key, "daily k");
    snprintf(world->journal.known_run, UUID_SIZE, "%s", json_member_text(run, "id"));
    digest_sha256_hex("", 0, world->journal.known_digest);
    auto_free char *repeated = ask_with(world, RUN, "Idempotency-Key: k\r\n", "{}");
    auto_json *same = json_of(repeated, 200);
    assert_string_equal(json_member_text(same, "id"), world->journal.known_run);
    auto_free char *reused = ask(world, RUN, "{\"idempotency_key\":\"k\",\"paused\":true}");
    json_free(json_of(reused, 422));
    world->unavailable = true;
    auto_free char *again = ask_with(world, RUN, "Idempotency-Key: k\r\n", "{}");
    json_free(json_of(again, 200));
    world->journal.fails = true;
    auto_free char *unreadable = ask_with(world, RUN, "Idempotency-Key: k\r\n", "{}");
    json_free(json_of(unreadable, 503));
}

static void test_verbs_and_their_keys(void **state)
{
    World *world = *state;
    auto_free char *id = trigger(world);
    auto_free char *cancel = text_format("POST /v1/runs/%s/cancel", id);
    snprintf(world->journal.known_key, sizeof world->journal.known_key, "%.20s k", id);
    snprintf(world->journal.known_run, UUID_SIZE, "%s", id);
    digest_sha256_hex("", 0, world->journal.known_digest);
    auto_free char *repeated = ask_with(world, cancel, "Idempotency-Key: k\r\n", "{}");
    json_free(json_of(repeated, 200));
    memset(world->journal.known_digest, '0', DIGEST_HEX_SIZE - 1);
    auto_free char *reused = ask_with(world, cancel, "Idempotency-Key: k\r\n", "{}");
    json_free(json_of(reused, 422));
    auto_free char *answer = ask_with(world, cancel, "Idempotency-Key: fresh\r\n", "{}");
    auto_json *run = json_of(answer, 202);
    assert_string_equal(json_member_text(run, "id"), id);
    auto_free char *remembered = text_format("%s/cancel fresh", id);
    assert_string_equal(world->remembered, remembered);
}

static void test_verbs(void **state)
{
    World *world = *state;
    auto_free char *id = trigger(world);
    auto_free char *pause = text_format("POST /v1/runs/%s/pause", id), *step = text_format("POST /v1/runs/%s/step", id);
    auto_free char *resume = text_format("POST /v1/runs/%s/resume", id),
                   *block = text_format("POST /v1/runs/%s/block", id);
    auto_free char *early = ask(world, step, "{}");
    auto_json *unfit = json_of(early, 409);
    assert_string_equal(json_member_text(unfit, "state"), "scheduled");
    auto_free char *paused = ask(world, pause, "{}");
    auto_json *held = json_of(paused, 202);
    assert_true(json_boolean(json_member(held, "held"), false));
    auto_free char *resumed = ask(world, resume, "{}");
    json_free(json_of(resumed, 202));
    auto_free char *blocked = ask(world, block, "{\"stage\":\"deliver/email\"}");
    json_free(json_of(blocked, 202));
    auto_free char *nowhere = ask(world, block, "{\"stage\":\"nowhere\"}");
    auto_json *unknown = json_of(nowhere, 422);
    assert_string_equal(json_member_text(json_first(json_member(unknown, "errors")), "pointer"), "/stage");
    auto_free char *missing = ask(world, block, "{}");
    json_free(json_of(missing, 400));
}

static void test_verbs_on_other_runs(void **state)
{
    World *world = *state;
    auto_free char *nonsense = ask(world, "POST /v1/runs/nonsense/cancel", "{}");
    json_free(json_of(nonsense, 404));
    const char line[] = "POST /v1/runs/01920000-0000-7000-8000-0000000000AB/cancel";
    auto_free char *unknown = ask(world, line, "{}");
    json_free(json_of(unknown, 404));
    world->journal.ended = (RunRecord){.id = "01920000-0000-7000-8000-0000000000ab",
                                       .sendpost = text_copy("daily"),
                                       .state = STATE_COMPLETED,
                                       .parameters = text_copy("{}")};
    auto_free char *ended = ask(world, line, "{}");
    auto_json *conflict = json_of(ended, 409);
    assert_string_equal(json_member_text(conflict, "state"), "completed");
    world->journal.fails = true;
    auto_free char *unreadable = ask(world, line, "{}");
    json_free(json_of(unreadable, 503));
}

/* What the journal has of a run that failed in its first stage. */
static void journal_has(World *world, State state, const char *retried_by)
{
    world->journal.ended_text = daily;
    world->journal.ended = (RunRecord){.id = "01920000-0000-7000-8000-0000000000ab",
                                       .sendpost = text_copy("daily"),
                                       .state = state,
                                       .for_at = 86400000,
                                       .parameters = text_copy("{\"limit\":7}")};
    snprintf(world->journal.ended.retried_by, UUID_SIZE, "%s", retried_by);
}

#define RETRY "POST /v1/runs/01920000-0000-7000-8000-0000000000ab/retry"

static void test_retry(void **state)
{
    World *world = *state;
    journal_has(world, STATE_FAILED, "");
    auto_free char *answer = ask_with(world, RETRY, "Idempotency-Key: k\r\n", "{}");
    auto_json *run = json_of(answer, 202);
    assert_string_not_equal(json_member_text(run, "id"), world->journal.ended.id);
    assert_string_equal(json_member_text(run, "retry_of"), world->journal.ended.id);
    assert_string_equal(json_member_text(run, "trigger"), "retry");
    assert_string_equal(json_member_text(run, "for"), "1970-01-02T00:00:00.000Z");
    int64_t limit = 0;
    assert_true(json_integer(json_member(json_member(run, "parameters"), "limit"), &limit));
    assert_int_equal(limit, 7);
    auto_free char *location = text_format("\r\nLocation: /v1/runs/%s\r\n", json_member_text(run, "id"));
    assert_non_null(strstr(answer, location));
    assert_string_equal(world->journal.audited, "127.0.0.1 retry 202");
    assert_string_equal(world->journal.audited_run, world->journal.ended.id);
    assert_string_equal(world->remembered, "01920000-0000-7000-8000-0000000000ab/retry k");
    auto_free char *again = ask(world, RETRY, "{}");
    auto_json *running = json_of(again, 409);
    assert_string_equal(json_member_text(running, "active_run"), json_member_text(run, "id"));
}

static void test_retry_is_refused(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says;
    } cases[] = {{"{\"definition\":\"old\"}", 400, "can only be"},  {"{\"definition\":true}", 400, "can only be"},
                 {"{\"stage\":\"render\"}", 400, "unknown member"}, {"{\"from\":1}", 400, "must be a string"},
                 {"{\"from\":\"nowhere\"}", 422, "/from"},          {"{}", 409, "\"retried_by\":\"by\""}};
    World *world = *state;
    auto_free char *unknown = ask(world, RETRY, "{}");
    json_free(json_of(unknown, 404));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_record_release(&world->journal.ended);
        journal_has(world, STATE_FAILED, cases[i].status == 409 ? "by" : "");
        auto_free char *answer = ask(world, RETRY, cases[i].body);
        assert_int_equal(status_of(answer), cases[i].status);
        assert_non_null(strstr(answer, cases[i].says));
        assert_string_equal(world->journal.audited_run, world->journal.ended.id);
    }
    assert_string_equal(world->journal.audited, "127.0.0.1 retry 409");
    auto_free char *id = trigger(world);
    auto_free char *line = text_format("POST /v1/runs/%s/retry", id);
    auto_free char *early = ask(world, line, "{\"definition\":\"current\"}");
    auto_json *unfit = json_of(early, 409);
    assert_string_equal(json_member_text(unfit, "state"), "scheduled");
}

static void test_unavailable(void **state)
{
    World *world = *state;
    world->unavailable = true;
    auto_free char *answer = ask(world, RUN, "{}");
    auto_json *problem = json_of(answer, 503);
    assert_string_equal(json_member_text(problem, "detail"), "the journal cannot be written");
    assert_non_null(strstr(answer, "\r\nRetry-After: 5\r\n"));
    assert_int_equal(world->journal.audits, 1);
    assert_string_equal(world->journal.audited, "127.0.0.1 run daily 503");
}

static void test_draining(void **state)
{
    World *world = *state;
    Client client = client_open(world);
    assert_int_equal(status_of(client_ask(world, &client, "GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")), 200);
    world->silent = true;
    Client waiting = client_open(world);
    client_ask(world, &waiting, "POST /v1/sendposts/daily/run HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server_drain(world->server);
    server_drain(world->server);
    assert_false(server_idle(world->server));
    const char *refused =
        client_ask(world, &client, "POST /v1/sendposts/daily/run HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(status_of(refused), 503);
    assert_non_null(strstr(refused, "\r\nConnection: close\r\n"));
    assert_true(client.closed);
    client_close(&client);
    client_close(&waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accepted, start, stop),
        cmocka_unit_test_setup_teardown(test_any_content_type_and_no_body, start, stop),
        cmocka_unit_test_setup_teardown(test_bad_bodies, start, stop),
        cmocka_unit_test_setup_teardown(test_refusals, start, stop),
        cmocka_unit_test_setup_teardown(test_bad_parameters, start, stop),
        cmocka_unit_test_setup_teardown(test_a_queue_has_an_end, start, stop),
        cmocka_unit_test_setup_teardown(test_keys, start, stop),
        cmocka_unit_test_setup_teardown(test_verbs_and_their_keys, start, stop),
        cmocka_unit_test_setup_teardown(test_verbs, start, stop),
        cmocka_unit_test_setup_teardown(test_verbs_on_other_runs, start, stop),
        cmocka_unit_test_setup_teardown(test_retry, start, stop),
        cmocka_unit_test_setup_teardown(test_retry_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_unavailable, start, stop),
        cmocka_unit_test_setup_teardown(test_draining, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
