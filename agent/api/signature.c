/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signature.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>

enum { TIMESTAMP_DIGITS_MAX = 12 };

/* One way only to write a time, so that a signed request has one form. */
static bool read_timestamp(const char *text, int64_t *at_ms)
{
    int64_t seconds;
    size_t length = strspn(text, "0123456789");
    if (length > TIMESTAMP_DIGITS_MAX || text[length] || text[0] == '0' ||
        !text_to_integer(text, 1, INT64_MAX, &seconds)) {
        return false;
    }
    *at_ms = seconds * 1000;
    return true;
}

static bool read_digits(const char *text, char signature[DIGEST_HEX_SIZE])
{
    static const char scheme[] = "sha256=";
    if (!text_starts_with(text, scheme)) {
        return false;
    }
    const char *digits = text + sizeof scheme - 1;
    if (strlen(digits) != DIGEST_HEX_SIZE - 1 || digits[strspn(digits, "0123456789abcdefABCDEF")]) {
        return false;
    }
    for (size_t i = 0; i < DIGEST_HEX_SIZE; i++) {
        signature[i] = (char)tolower((unsigned char)digits[i]);
    }
    return true;
}

bool signature_read(const Headers *headers, int64_t now_ms, char signature[DIGEST_HEX_SIZE], Error *error)
{
    const int64_t window_ms = (int64_t)WEBHOOK_WINDOW_SECONDS * 1000;
    int64_t at_ms;
    if (!headers->timestamp || !headers->signature) {
        return error_set(error, ERROR_INVALID, "%s is missing",
                         headers->signature ? "X-Sendpost-Timestamp" : "X-Sendpost-Signature");
    }
    if (!read_timestamp(headers->timestamp, &at_ms)) {
        return error_set(error, ERROR_INVALID, "X-Sendpost-Timestamp is not a number of seconds since 1970");
    }
    if (at_ms < now_ms - window_ms || at_ms > now_ms + window_ms) {
        return error_set(error, ERROR_INVALID, "X-Sendpost-Timestamp is %lld s from this clock",
                         (long long)(at_ms - now_ms) / 1000);
    }
    if (!read_digits(headers->signature, signature)) {
        return error_set(error, ERROR_INVALID, "X-Sendpost-Signature is not sha256= and %d hexadecimal digits",
                         DIGEST_HEX_SIZE - 1);
    }
    return true;
}

bool signature_holds(const char signature[DIGEST_HEX_SIZE], const char *secret, const char *timestamp, const char *body,
                     size_t length)
{
    auto_buffer signed_bytes;
    buffer_init(&signed_bytes, TIMESTAMP_DIGITS_MAX + 1 + REQUEST_BODY_MAX);
    buffer_format(&signed_bytes, "%s.", timestamp);
    buffer_append(&signed_bytes, body, length);
    char due[DIGEST_HEX_SIZE];
    digest_hmac_sha256_hex(secret, signed_bytes.bytes, signed_bytes.length, due);
    return digest_equal(signature, due);
}
