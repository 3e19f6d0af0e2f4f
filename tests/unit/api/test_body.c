/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool reads(HappeningKind kind, const char *text, CommandBody *body)
{
    Error error = {0};
    bool fine = command_body_read(kind, text, strlen(text), body, &error);
    assert_true(fine || (error.kind != ERROR_NONE && error.text[0]));
    return fine;
}

static void test_empty(void **state)
{
    (void)state;
    CommandBody body;
    assert_true(command_body_read(HAPPENED_TRIGGER, NULL, 0, &body, NULL));
    assert_null(body.json);
    command_body_release(&body);
    assert_true(reads(HAPPENED_TRIGGER, " {} ", &body));
    assert_false(body.paused);
    command_body_release(&body);
}

static void test_all_members(void **state)
{
    (void)state;
    CommandBody body;
    assert_true(
        reads(HAPPENED_TRIGGER,
              "{\"parameters\":{\"limit\":5},\"reason\":\"why\",\"for\":\"2026-11-22T04:23:06Z\","
              "\"start_at\":\"2026-11-22T05:23:06+01:00\",\"idempotency_key\":\"k\",\"from\":\"a/b\",\"paused\":true}",
              &body));
    assert_int_equal(json_count(body.parameters), 1);
    assert_string_equal(body.reason, "why");
    assert_int_equal(body.for_at, 1795321386000);
    assert_int_equal(body.start_at, body.for_at);
    assert_string_equal(body.key, "k");
    assert_string_equal(body.from, "a/b");
    assert_true(body.paused);
    command_body_release(&body);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{",
        "[]",
        "5",
        "null",
        "{}{}",
        " ",
        "{\"unknown\":1}",
        "{\"Reason\":\"x\"}",
        "{\"stage\":\"a\"}",
        "{\"parameters\":[]}",
        "{\"parameters\":null}",
        "{\"reason\":1}",
        "{\"for\":\"soon\"}",
        "{\"for\":1}",
        "{\"for\":\"2026-11-22\"}",
        "{\"start_at\":\"1969-12-31T00:00:00Z\"}",
        "{\"paused\":\"yes\"}",
        "{\"from\":{}}",
        "{\"idempotency_key\":\"\"}",
        "{\"idempotency_key\":7}",
        "{\"idempotency_key\":\"a\\nb\"}",
        "{\"reason\":\"a\",\"reason\":\"b\"}",
        "{\"reason\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        CommandBody body;
        assert_false(reads(HAPPENED_TRIGGER, bodies[i], &body));
    }
}

static void test_a_slip_is_named(void **state)
{
    (void)state;
    CommandBody body;
    Error error = {0};
    const char text[] = "{\"parameter\":{}}";
    assert_false(command_body_read(HAPPENED_TRIGGER, text, sizeof text - 1, &body, &error));
    assert_string_equal(error.text, "unknown member 'parameter', did you mean 'parameters'?");
}

static void test_lengths(void **state)
{
    (void)state;
    auto_free char *reason = memory_new(REASON_TEXT_MAX + 2);
    memset(reason, 'x', REASON_TEXT_MAX);
    auto_free char *fits = text_format("{\"reason\":\"%s\"}", reason);
    auto_free char *long_text = text_format("{\"reason\":\"%sx\"}", reason);
    auto_free char *long_key = text_format("{\"idempotency_key\":\"%.*s\"}", IDEMPOTENCY_KEY_MAX + 1, reason);
    CommandBody body;
    assert_true(reads(HAPPENED_TRIGGER, fits, &body));
    command_body_release(&body);
    assert_false(reads(HAPPENED_TRIGGER, long_text, &body));
    assert_false(reads(HAPPENED_TRIGGER, long_key, &body));
    auto_buffer letters = {.maximum = 2UL * REASON_TEXT_MAX};
    for (int i = 0; i < REASON_TEXT_MAX; i++) {
        buffer_text(&letters, "ß");
    }
    auto_free char *two_bytes_each = text_format("{\"reason\":\"%s\"}", letters.bytes);
    assert_true(reads(HAPPENED_TRIGGER, two_bytes_each, &body));
    command_body_release(&body);
}

/* What the description says of a command is what reading takes. */
static void test_members(void **state)
{
    (void)state;
    static const struct {
        HappeningKind kind;
        size_t count;
    } cases[] = {
        {HAPPENED_TRIGGER, 7}, {HAPPENED_CANCEL, 1}, {HAPPENED_BLOCK, 2}, {HAPPENED_RETRY, 3}, {HAPPENED_LOADED, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        while (command_body_member(cases[i].kind, count)) {
            count++;
        }
        assert_int_equal(count, cases[i].count);
    }
    assert_string_equal(command_body_member(HAPPENED_BLOCK, 0)->schema.name, "stage");
    assert_true(command_body_member(HAPPENED_BLOCK, 0)->required & (1U << HAPPENED_BLOCK));
}

static void test_verbs(void **state)
{
    (void)state;
    CommandBody body;
    assert_true(reads(HAPPENED_RESUME, "{\"stage\":\"report\"}", &body));
    assert_string_equal(body.stage, "report");
    command_body_release(&body);
    assert_true(reads(HAPPENED_RESUME, "{}", &body));
    command_body_release(&body);
    assert_true(reads(HAPPENED_CANCEL, "{\"idempotency_key\":\"k\"}", &body));
    command_body_release(&body);
    assert_false(reads(HAPPENED_BLOCK, "{}", &body));
    assert_false(reads(HAPPENED_BLOCK, "", &body));
    assert_false(reads(HAPPENED_CANCEL, "{\"stage\":\"report\"}", &body));
    assert_false(reads(HAPPENED_PAUSE, "{\"parameters\":{}}", &body));
}

static void digest_of(const char *text, char digest[DIGEST_HEX_SIZE])
{
    CommandBody body;
    assert_true(reads(HAPPENED_TRIGGER, text, &body));
    command_body_digest(&body, digest);
    command_body_release(&body);
}

static void test_digests(void **state)
{
    (void)state;
    char one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE];
    digest_of("{\"parameters\":{\"a\":1,\"b\":[1,2]},\"reason\":\"x\"}", one);
    digest_of(" {\"reason\":\"\\u0078\", \"parameters\":{\"b\":[1.0,2],\"a\":1e0}, \"idempotency_key\":\"k\"}", two);
    assert_string_equal(one, two);
    digest_of("{\"parameters\":{\"a\":1,\"b\":[2,1]},\"reason\":\"x\"}", two);
    assert_string_not_equal(one, two);
    digest_of("", one);
    digest_of("{}", two);
    assert_string_equal(one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),   cmocka_unit_test(test_all_members),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_a_slip_is_named), cmocka_unit_test(test_members),
        cmocka_unit_test(test_verbs),   cmocka_unit_test(test_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
