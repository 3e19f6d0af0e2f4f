/* SPDX-License-Identifier: Apache-2.0 */
#include "api/assets.h"
#include "base/digest.h"
#include "base/file.h"
#include "fixture.h"
#include <glob.h>

enum { FILE_MAX = 16 << 20 };

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

static char *source_of(const char *asset)
{
    char *own = text_format(SOURCE_DIRECTORY "/agent/pages/%s", asset);
    if (access(own, F_OK) == 0) {
        return own;
    }
    free(own);
    return text_format(SOURCE_DIRECTORY "/third_party/%s", asset);
}

static void test_each_is_the_file(void **state)
{
    (void)state;
    assert_true(asset_count > 0);
    for (size_t i = 0; i < asset_count; i++) {
        auto_free char *path = source_of(assets[i].path);
        auto_buffer file = {.maximum = FILE_MAX}, content = {.maximum = FILE_MAX};
        Error error;
        assert_true(file_read(path, FILE_MAX, &file, &error));
        asset_inflate(&assets[i], &content);
        assert_int_equal(content.length, file.length);
        assert_memory_equal(content.bytes, file.bytes, file.length);
        assert_ptr_equal(asset_find(assets[i].path), &assets[i]);
        char digest[DIGEST_HEX_SIZE];
        digest_sha256_hex(file.bytes, file.length, digest);
        auto_free char *etag = text_format("\"%.32s\"", digest);
        assert_string_equal(assets[i].etag, etag);
    }
    assert_null(asset_find("status/none.js"));
}

static void test_each_file_is_there(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(SOURCE_DIRECTORY "/agent/pages/*/*", 0, NULL, &found), 0);
    assert_int_equal(glob(SOURCE_DIRECTORY "/third_party/*/*", GLOB_APPEND, NULL, &found), 0);
    size_t checksums = 1;
    assert_int_equal(found.gl_pathc, asset_count + checksums);
    globfree(&found);
}

static void assert_header(const char *answer, const char *line)
{
    if (!strstr(answer, line)) {
        fail_msg("no %s in %s", line, answer);
    }
}

static void test_page(void **state)
{
    Client client = client_open(*state);
    const Asset *page = asset_find("status/index.html");
    const char *answer =
        client_ask(*state, &client, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: deflate, gzip, br\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_header(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
    assert_header(answer, "\r\nContent-Encoding: gzip\r\n");
    assert_header(answer, "\r\nVary: Accept-Encoding\r\n");
    assert_header(answer, "\r\nCache-Control: no-cache\r\n");
    assert_header(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
    assert_header(answer, "\r\nReferrer-Policy: no-referrer\r\n");
    assert_header(answer, "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                          "connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
                          "form-action 'self'\r\n");
    assert_null(strstr(strstr(answer, "Content-Security-Policy") + 1, "Content-Security-Policy"));
    const char *body = body_of(answer);
    assert_int_equal(client.received.length - (size_t)(body - client.received.bytes), page->gzip_length);
    assert_memory_equal(body, page->gzip, page->gzip_length);
    client_close(&client);
}

static void test_without_gzip(void **state)
{
    auto_free char *answer = ask_with(*state, "GET /pages/status/page.css", "Accept-Encoding: gzip;q=0\r\n", NULL);
    assert_int_equal(status_of(answer), 200);
    assert_header(answer, "\r\nContent-Type: text/css; charset=utf-8\r\n");
    assert_header(answer, "\r\nVary: Accept-Encoding\r\n");
    assert_null(strstr(answer, "Content-Encoding"));
    auto_buffer content = {.maximum = FILE_MAX};
    asset_inflate(asset_find("status/page.css"), &content);
    assert_string_equal(body_of(answer), content.bytes);
}

static void test_head(void **state)
{
    auto_free char *answer = ask_with(*state, "HEAD /", "Accept-Encoding: gzip\r\n", NULL);
    auto_free char *length = text_format("\r\nContent-Length: %zu\r\n", asset_find("status/index.html")->gzip_length);
    assert_int_equal(status_of(answer), 200);
    assert_header(answer, length);
    assert_string_equal(body_of(answer), "");
}

static void check_not_modified(World *world, const char *before, const char *etag)
{
    auto_free char *header = text_format("If-None-Match: %s%s\r\n", before, etag);
    auto_free char *answer = ask_with(world, "GET /", header, NULL);
    auto_free char *line = text_format("\r\nETag: W/%s\r\n", asset_find("status/index.html")->etag);
    assert_int_equal(status_of(answer), 304);
    assert_null(strstr(answer, "\r\nContent-Length: 0\r\n")); /* that of the 200, or none */
    assert_header(answer, line);
    assert_string_equal(body_of(answer), "");
}

static void test_not_modified(void **state)
{
    const char *etag = asset_find("status/index.html")->etag;
    check_not_modified(*state, "W/", etag);
    check_not_modified(*state, "", etag);
    check_not_modified(*state, "\"other\", W/", etag);
    check_not_modified(*state, "", "*");
    auto_free char *other = ask_with(*state, "GET /", "If-None-Match: \"other\"\r\n", NULL);
    assert_int_equal(status_of(other), 200);
}

static void test_what_is_not_there(void **state)
{
    static const char *const paths[] = {"/pages/status/none.js", "/pages/..%2Fpages%2Fstatus/index.html",
                                        "/pages/status%2F/index.html"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        auto_free char *line = text_format("GET %s", paths[i]);
        auto_free char *answer = ask(*state, line, NULL);
        assert_int_equal(status_of(answer), 404);
    }
    auto_free char *answer = ask(*state, "POST /", "");
    assert_int_equal(status_of(answer), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_the_file),
        cmocka_unit_test(test_each_file_is_there),
        cmocka_unit_test_setup_teardown(test_page, start, stop),
        cmocka_unit_test_setup_teardown(test_without_gzip, start, stop),
        cmocka_unit_test_setup_teardown(test_head, start, stop),
        cmocka_unit_test_setup_teardown(test_not_modified, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_not_there, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
