/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gzip.h"
#include "base/buffer.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <zlib.h>

enum { BODY_MAX = 8 << 20 };

/* A body, given in pieces that are smaller than what is asked for. */
typedef struct Body {
    const char *bytes;
    size_t length, piece, read_in_call;
} Body;

static size_t read_body(void *user, char *out, size_t size)
{
    Body *body = user;
    size_t length = body->length < body->piece ? body->length : body->piece;
    length = length < size ? length : size;
    memcpy(out, body->bytes, length);
    body->bytes += length;
    body->length -= length;
    body->read_in_call += length;
    return length;
}

static char *inflated(const Buffer *compressed, size_t *length)
{
    char *out = memory_new(BODY_MAX);
    z_stream stream = {.next_in = (Bytef *)compressed->bytes,
                       .avail_in = (uInt)compressed->length,
                       .next_out = (Bytef *)out,
                       .avail_out = BODY_MAX};
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    *length = stream.total_out;
    inflateEnd(&stream);
    return out;
}

/* Returns how many bytes it became. */
static size_t assert_round_trip(const char *bytes, size_t length, size_t piece, size_t size)
{
    Body body = {bytes, length, piece, 0};
    Buffer compressed;
    buffer_init(&compressed, BODY_MAX);
    Gzip *gzip = gzip_new(read_body, &body);
    char *out = memory_new(size);
    for (size_t got; (got = gzip_read(gzip, out, size));) {
        assert_true(got <= size);
        assert_true(body.read_in_call <= 64 * 1024);
        body.read_in_call = 0;
        buffer_append(&compressed, out, got);
    }
    assert_int_equal(gzip_read(gzip, out, size), 0);
    gzip_free(gzip);
    free(out);
    size_t inflated_length;
    char *text = inflated(&compressed, &inflated_length);
    assert_int_equal(inflated_length, length);
    assert_memory_equal(text, bytes, length);
    free(text);
    size_t became = compressed.length;
    buffer_release(&compressed);
    return became;
}

static void test_round_trips(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 20 };
    char *same = memory_new(LENGTH), *noise = memory_new(LENGTH);
    uint32_t seed = 1;
    for (size_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)(seed >> 24);
        same[i] = 'a';
    }
    static const size_t lengths[] = {0, 1, 32 * 1024, LENGTH};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_round_trip(same, lengths[i], SIZE_MAX, 4096);
        assert_round_trip(noise, lengths[i], 1000, 64 * 1024);
    }
    assert_round_trip(noise, 5000, 100, 1);
    assert_true(assert_round_trip(same, LENGTH, SIZE_MAX, 64 * 1024) < LENGTH / 100);
    free(same);
    free(noise);
}

static void test_none_may_be_freed(void **state)
{
    (void)state;
    gzip_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trips), cmocka_unit_test(test_none_may_be_freed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
