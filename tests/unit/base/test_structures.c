/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "base/uuid.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void errors_are_cut_and_prefixed(void **state)
{
    (void)state;
    Error error = {0};
    assert_false(error_set(&error, ERROR_IO, "%s", "cause"));
    assert_false(error_prefix(&error, "file %d", 1));
    assert_string_equal(error.text, "file 1: cause");
    error_set(&error, ERROR_IO, "%0600d", 1);
    assert_int_equal(strlen(error.text), ERROR_TEXT_SIZE - 1);
    assert_string_equal(error.text + ERROR_TEXT_SIZE - 4, "...");
    assert_false(error_set(NULL, ERROR_IO, "nobody listens"));
    assert_false(error_prefix(NULL, "nobody"));
}

static void buffers_stop_at_their_maximum(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 5);
    buffer_text(&buffer, "abc");
    buffer_unsigned(&buffer, 1234);
    assert_true(buffer.overflow);
    assert_string_equal(buffer.bytes, "abc12");
    buffer_clear(&buffer);
    buffer_format(&buffer, "%d", 42);
    assert_false(buffer.overflow);
    char *taken = buffer_take(&buffer);
    assert_string_equal(taken, "42");
    free(taken);
    taken = buffer_take(&buffer);
    assert_string_equal(taken, "");
    free(taken);
    buffer_release(&buffer);
}

/* Against an array as the model: random puts and removes of 200 keys. */
static void map_behaves_like_a_table(void **state)
{
    (void)state;
    enum { KEYS = 200, STEPS = 20000 };
    static int values[KEYS];
    bool there[KEYS] = {false};
    uint32_t random = 1;
    Map *map = map_new(42);
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int at = (int)(random >> 16) % KEYS;
        char key[16];
        snprintf(key, sizeof key, "key-%d", at);
        if (random >> 8 & 1) {
            assert_ptr_equal(map_put(map, key, &values[at]), there[at] ? &values[at] : NULL);
            count += !there[at];
            there[at] = true;
        } else {
            assert_ptr_equal(map_remove(map, key), there[at] ? &values[at] : NULL);
            count -= there[at];
            there[at] = false;
        }
        assert_int_equal(map_count(map), count);
    }
    size_t seen = 0;
    void *value;
    for (size_t at = 0; map_each(map, &at, NULL, &value);) {
        assert_true(there[(int *)value - values]);
        seen++;
    }
    assert_int_equal(seen, count);
    map_free(map);
    map_free(NULL);
}

static void text_questions(void **state)
{
    (void)state;
    static const char *const candidates[] = {"parameters", "retries", "run"};
    int64_t value;
    assert_true(text_is_name("a-1"));
    assert_false(text_is_name("-a"));
    assert_false(text_is_name(""));
    assert_false(text_is_name("A"));
    assert_true(text_is_uuid("00000000-0000-4000-8000-00000000000A"));
    assert_false(text_is_uuid("00000000-0000-4000-8000-00000000000"));
    assert_true(text_is_utf8("gr\xc3\xbc\xc3\x9f", 6));
    assert_false(text_is_utf8("\xed\xa0\x80", 3));
    assert_false(text_is_utf8("\xc0\x80", 2));
    assert_false(text_is_utf8("a\0b", 3));
    assert_int_equal(text_characters("gr\xc3\xbcn", 5), 4);
    assert_int_equal(text_cut("gr\xc3\xbcn", 3), 2);
    assert_int_equal(text_utf8_prefix("gr\xc3\xbc\xc3", 5), 4);
    char shown[] = "a\t\x1b[\x7f\xc2\x9b gr\xc3\xbc\xc3";
    text_make_printable(shown);
    assert_string_equal(shown, "a  [    gr\xc3\xbc?");
    assert_string_equal(text_nearest("parameter", candidates, 3), "parameters");
    assert_string_equal(text_nearest("retires", candidates, 3), "retries");
    assert_null(text_nearest("schedule", candidates, 3));
    assert_true(text_to_integer("-12", -20, 20, &value));
    assert_int_equal(value, -12);
    assert_false(text_to_integer("12x", 0, 20, &value));
    assert_false(text_to_integer("99999999999999999999", 0, INT64_MAX, &value));
    assert_false(text_to_integer(" 1", 0, 20, &value));
}

/* RFC 4231, test case 2. */
static void digests_with_a_key(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
    digest_hmac_sha256_hex("Jefe", "what do ya want for nothing?", 28, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    digest_hmac_sha256_hex("Jefe", "", 0, other);
    assert_true(digest_equal(hex, hex));
    assert_false(digest_equal(hex, other));
}

static void identifiers_and_digests(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE], uuid[UUID_SIZE], again[UUID_SIZE];
    digest_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t random[10] = {0xff, 0xff, 0xff};
    uuid_from_time(0x017F22E279B0, random, uuid);
    assert_true(text_is_uuid(uuid));
    assert_true(text_starts_with(uuid, "017f22e2-79b0-7fff-bf"));
    uuid_from_digest("abc", 3, uuid);
    uuid_from_digest("abc", 3, again);
    assert_string_equal(uuid, again);
    assert_int_equal(uuid[14], '8');
    char *encoded = base64_encode("user:pass", 9);
    assert_string_equal(encoded, "dXNlcjpwYXNz");
    free(encoded);
}

static void urls_are_coded_once(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 100);
    url_encode(&out, "a b/\xc3\xbc~");
    assert_string_equal(out.bytes, "a%20b%2F%C3%BC~");
    assert_true(url_decode(out.bytes));
    assert_string_equal(out.bytes, "a b/\xc3\xbc~");
    buffer_release(&out);
    char bad[] = "%2", zero[] = "%00", twice[] = "%2541";
    assert_false(url_decode(bad));
    assert_false(url_decode(zero));
    assert_true(url_decode(twice));
    assert_string_equal(twice, "%41");
}

static void paths_of_files(void **state)
{
    (void)state;
    auto_free char *within = file_path("/directory", "a/file"), *absolute = file_path("/directory", "/file");
    assert_string_equal(within, "/directory/a/file");
    assert_string_equal(absolute, "/file");
}

static void files_are_bounded(void **state)
{
    (void)state;
    char path[] = "/tmp/sendpost-file-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "secret \n\n", 9), 9);
    close(fd);
    Error error = {0};
    char *secret = file_read_secret(path, &error);
    assert_string_equal(secret, "secret");
    free(secret);
    Buffer out;
    buffer_init(&out, 100);
    assert_false(file_read(path, 8, &out, &error));
    assert_int_equal(error.kind, ERROR_LIMIT);
    assert_false(file_read("/tmp", 8, &out, &error));
    unlink(path);
    assert_false(file_read(path, 8, &out, &error));
    assert_int_equal(error.kind, ERROR_NOT_FOUND);
    assert_int_equal(out.length, 0);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_cut_and_prefixed),
        cmocka_unit_test(buffers_stop_at_their_maximum),
        cmocka_unit_test(map_behaves_like_a_table),
        cmocka_unit_test(text_questions),
        cmocka_unit_test(identifiers_and_digests),
        cmocka_unit_test(digests_with_a_key),
        cmocka_unit_test(paths_of_files),
        cmocka_unit_test(urls_are_coded_once),
        cmocka_unit_test(files_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
