/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signature.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW     1795000000
#define DIGITS  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CAPITAL "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

static bool reads(const char *timestamp, const char *signature, char digits[DIGEST_HEX_SIZE])
{
    Error error = {0};
    Headers headers = {.timestamp = timestamp, .signature = signature};
    bool fine = signature_read(&headers, (int64_t)NOW * 1000 + 999, digits, &error);
    assert_int_equal(fine, error.kind == ERROR_NONE);
    return fine;
}

static void test_forms(void **state)
{
    (void)state;
    char digits[DIGEST_HEX_SIZE] = "untouched";
    static const char *const signatures[] = {
        NULL,
        "",
        "sha256",
        "sha256=",
        DIGITS,
        "SHA256=" DIGITS,
        "sha1=" DIGITS,
        "sha256=" DIGITS "0",
        "sha256= " DIGITS,
        "sha256=" DIGITS " ",
        "sha256=g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        assert_false(reads("1795000000", signatures[i], digits));
    }
    static const char *const timestamps[] = {
        NULL,
        "",
        "0",
        "-1795000000",
        "+1795000000",
        " 1795000000",
        "01795000000",
        "1795000000 ",
        "1795000000.0",
        "1.795e9",
        "0x6afd8c40",
        "1795000000000",
        "99999999999999999999",
        "2026-11-18T07:06:40Z",
    };
    for (size_t i = 0; i < sizeof timestamps / sizeof *timestamps; i++) {
        assert_false(reads(timestamps[i], "sha256=" DIGITS, digits));
    }
    assert_string_equal(digits, "untouched");
    assert_true(reads("1795000000", "sha256=" CAPITAL, digits));
    assert_string_equal(digits, DIGITS);
}

/* The clock stands at 999 ms after NOW. */
static void test_the_window(void **state)
{
    (void)state;
    char digits[DIGEST_HEX_SIZE];
    assert_false(reads("1794999700", "sha256=" DIGITS, digits));
    assert_true(reads("1794999701", "sha256=" DIGITS, digits));
    assert_true(reads("1795000300", "sha256=" DIGITS, digits));
    assert_false(reads("1795000301", "sha256=" DIGITS, digits));
}

static bool holds(const char *secret, const char *timestamp, const char *body, size_t length)
{
    return signature_holds("5b11fa0f486713845872165a2cc864344a447408cb8865677ebf235214439c42", secret, timestamp, body,
                           length);
}

/* Made by Python's hmac. */
static void test_what_is_signed(void **state)
{
    (void)state;
    assert_true(holds("a secret", "1795000000", "{\"a\":\0001}", 8));
    assert_false(holds("a secret", "1795000000", "{\"a\":\0002}", 8));
    assert_false(holds("a secret", "1795000000", "{\"a\":\0001}", 7));
    assert_false(holds("a secret", "1795000001", "{\"a\":\0001}", 8));
    assert_false(holds("another", "1795000000", "{\"a\":\0001}", 8));
    assert_true(signature_holds("4c0ab15fc4e787435f785c26d49d46ee9bbd4f3d3fc828565a45d636f80f34e7", "a secret",
                                "1795000000", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_what_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
