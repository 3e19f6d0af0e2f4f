/* SPDX-License-Identifier: Apache-2.0 */
/* Signed triggers, from the request to the engine and back. The world's clock stands still. */
#include "base/limits.h"
#include "fixture.h"

#define HOOK "POST /v1/sendposts/daily/webhook"
#define NOW  "1795000000"

static char directory[] = "/tmp/sendpost-webhook-XXXXXX";

static void write_secret(const char *bytes, size_t length)
{
    auto_free char *path = text_format("%s/secret", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    auto_free char *path = text_format("%s/secret", directory);
    unlink(path);
    return rmdir(directory);
}

static int start(void **state)
{
    World *world = world_new();
    world->configuration.definitions_directory = directory;
    world_load(world, "daily.yaml",
               "name: daily\nconcurrency: queue\nparameters: {limit: 1}\nwebhook: {secret_file: secret}\n"
               "stages:\n  - {name: one, run: a/b}\n");
    world_load(world, "off.yaml",
               "name: off\nenabled: false\nwebhook: {secret_file: secret}\nstages:\n  - {name: one, run: a/b}\n");
    world_load(world, "plain.yaml", "name: plain\nstages:\n  - {name: one, run: a/b}\n");
    write_secret("a secret\n", 9);
    *state = world;
    return 0;
}

static int stop(void **state)
{
    world_free(*state);
    return 0;
}

/* Header lines that are right for this body. New memory. */
static char *signature_of(const char *body)
{
    auto_free char *text = text_format(NOW ".%s", body);
    char signature[DIGEST_HEX_SIZE];
    digest_hmac_sha256_hex("a secret", text, strlen(text), signature);
    return text_format("X-Sendpost-Timestamp: " NOW "\r\nX-Sendpost-Signature: sha256=%s\r\n", signature);
}

static char *ask_signed(World *world, const char *line, const char *more, const char *body)
{
    auto_free char *signature = signature_of(body);
    auto_free char *headers = text_format("%s%s", signature, more);
    return ask_with(world, line, headers, body);
}

static void test_accepted(void **state)
{
    World *world = *state;
    auto_free char *answer = ask_signed(world, HOOK, "", "{\"reason\":\"a push\",\"parameters\":{\"limit\":5}}");
    auto_json *run = json_of(answer, 202);
    auto_free char *location = text_format("\r\nLocation: /v1/runs/%s\r\n", json_member_text(run, "id"));
    assert_non_null(strstr(answer, location));
    assert_string_equal(json_member_text(run, "trigger"), "webhook");
    assert_string_equal(json_member_text(run, "triggered_by"), "127.0.0.1");
    assert_string_equal(json_member_text(run, "trigger_reason"), "a push");
    assert_string_equal(world->journal.audited, "127.0.0.1 webhook daily 202");
    assert_non_null(strstr(world->remembered, "daily/signature "));
}

static void test_no_webhook_is_no_sendpost(void **state)
{
    auto_free char *plain = ask_signed(*state, "POST /v1/sendposts/plain/webhook", "", "{}");
    auto_free char *none = ask_signed(*state, "POST /v1/sendposts/other/webhook", "", "{}");
    json_free(json_of(plain, 404));
    char *name = strstr(none, "other");
    assert_non_null(name);
    memcpy(name, "plain", 5);
    assert_string_equal(body_of(plain), body_of(none));
}

/* Its sender does not learn what is wrong. */
static void test_not_signed(void **state)
{
    World *world = *state;
    auto_free char *right = signature_of("{}"), *late = signature_of("{}"), *garbled = signature_of("{}");
    late[strlen("X-Sendpost-Timestamp: 1")] = '0';
    garbled[strlen(garbled) - 3] = 'x';
    const char *const headers[] = {"", right, late, garbled, "X-Sendpost-Timestamp: " NOW "\r\n"};
    auto_free char *first = NULL;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        auto_free char *answer = ask_with(world, HOOK, headers[i], "{ }");
        json_free(json_of(answer, 401));
        assert_non_null(strstr(answer, "\r\nWWW-Authenticate: Sendpost-Signature\r\n"));
        first = first ? first : text_copy(body_of(answer));
        assert_string_equal(first, body_of(answer));
    }
    assert_int_equal(world->journal.audits, 0);
    auto_free char *twice = text_format("%s%s", right, right);
    auto_free char *answer = ask_with(world, HOOK, twice, "{}");
    json_free(json_of(answer, 400));
}

static void test_signed_but_refused(void **state)
{
    auto_free char *bad = ask_signed(*state, HOOK, "", "{\"unknown\":1}");
    json_free(json_of(bad, 400));
    auto_free char *parameters = ask_signed(*state, HOOK, "", "{\"parameters\":{\"other\":1}}");
    json_free(json_of(parameters, 422));
    auto_free char *off = ask_signed(*state, "POST /v1/sendposts/off/webhook", "", "{}");
    json_free(json_of(off, 409));
}

static void remember(World *world, const char *key, const char *run_id)
{
    snprintf(world->journal.known_key, sizeof world->journal.known_key, "%s", key);
    snprintf(world->journal.known_run, UUID_SIZE, "%s", run_id);
    digest_sha256_hex("", 0, world->journal.known_digest);
}

static void test_repeated(void **state)
{
    World *world = *state;
    auto_free char *first = ask_signed(world, HOOK, "Idempotency-Key: k\r\n", "{}");
    auto_json *run = json_of(first, 202);
    const char *id = json_member_text(run, "id");
    assert_string_equal(world->remembered, "daily/webhook k");
    auto_free char *signature = signature_of("{}");
    auto_free char *known = text_format("daily/signature %.20s", strstr(signature, "sha256=") + 7);
    remember(world, known, id);
    auto_free char *again = ask_signed(world, HOOK, "Idempotency-Key: another\r\n", "{}");
    auto_json *same = json_of(again, 200);
    assert_string_equal(json_member_text(same, "id"), id);
    remember(world, "daily/webhook k", id);
    auto_free char *by_key = ask_signed(world, HOOK, "", " {\"idempotency_key\":\"k\"}");
    auto_json *same_key = json_of(by_key, 200);
    assert_string_equal(json_member_text(same_key, "id"), id);
    assert_non_null(strstr(world->remembered, "daily/signature "));
    auto_free char *reused = ask_signed(world, HOOK, "Idempotency-Key: k\r\n", "{\"reason\":\"another\"}");
    json_free(json_of(reused, 422));
}

/* It is the operator's fault: the sender may come again. */
static void test_without_a_secret(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } secrets[] = {{"", 0}, {" \n", 2}, {"a\nsecret\n", 9}, {"\0a secret", 9}};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        write_secret(secrets[i].bytes, secrets[i].length);
        auto_free char *answer = ask_signed(*state, HOOK, "", "{}");
        json_free(json_of(answer, 503));
        assert_non_null(strstr(answer, "\r\nRetry-After: 5\r\n"));
        assert_null(strstr(answer, directory));
    }
    auto_free char *large = memory_new(SECRET_FILE_MAX + 1);
    memset(large, 'a', SECRET_FILE_MAX + 1);
    write_secret(large, SECRET_FILE_MAX + 1);
    auto_free char *answer = ask_signed(*state, HOOK, "", "{}");
    json_free(json_of(answer, 503));
    auto_free char *path = text_format("%s/secret", directory);
    unlink(path);
    auto_free char *gone = ask_signed(*state, HOOK, "", "{}");
    json_free(json_of(gone, 503));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accepted, start, stop),
        cmocka_unit_test_setup_teardown(test_no_webhook_is_no_sendpost, start, stop),
        cmocka_unit_test_setup_teardown(test_not_signed, start, stop),
        cmocka_unit_test_setup_teardown(test_signed_but_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_repeated, start, stop),
        cmocka_unit_test_setup_teardown(test_without_a_secret, start, stop),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
