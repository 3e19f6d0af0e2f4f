/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include <string.h>

static void refused(const char *text, size_t length)
{
    Error error = {0};
    Json *json = json_parse(text, length, &error);
    assert_null(json);
    assert_int_not_equal(error.kind, ERROR_NONE);
    assert_true(error.text[0] != '\0');
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[1] x",
        "{} {}",
        "nul",
        "{\"a\":1,\"a\":2}",
        "1e999",
        "\"\\u0000\"",
        "\"\xff\"",
        "[1,]",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "[1e+]",
        "-01.5",
        "0x10",
        "\"a\nb\"",
        "[1\f]",
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,"
        "\"a\":14}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        refused(texts[i], strlen(texts[i]));
    }
    refused("1\0", 2);
    char deep[JSON_DEPTH_MAX + 2];
    memset(deep, '[', sizeof deep);
    refused(deep, sizeof deep);
}

static void every_form_of_a_number_is_read(void **state)
{
    (void)state;
    static const char text[] = "[0, -0, 10, 0.5, -1.25e+2, 1E2, 3e-1]";
    static const double values[] = {0, 0, 10, 0.5, -125, 100, 0.3};
    Json *json = json_parse(text, sizeof text - 1, NULL);
    assert_int_equal(json_count(json), sizeof values / sizeof *values);
    size_t count = 0;
    for (const Json *item = json_first(json); item; item = json_next(item)) {
        double number;
        assert_true(json_number(item, &number));
        assert_true(number == values[count++]);
    }
    json_free(json);
}

static void values_are_read_by_type(void **state)
{
    (void)state;
    static const char text[] = "{\"t\":\"x\",\"i\":-5,\"n\":1.5,\"b\":true,\"l\":[1,2],\"o\":{\"T\":1},\"z\":null}";
    Json *json = json_parse(text, sizeof text - 1, NULL);
    int64_t integer = 7;
    double number;
    assert_string_equal(json_member_text(json, "t"), "x");
    assert_null(json_member_text(json, "T"));
    assert_null(json_member_text(json, "i"));
    assert_true(json_integer(json_member(json, "i"), &integer));
    assert_int_equal(integer, -5);
    assert_false(json_integer(json_member(json, "n"), &integer));
    assert_true(json_number(json_member(json, "n"), &number));
    assert_true(json_boolean(json_member(json, "b"), false));
    assert_true(json_boolean(json_member(json, "z"), true));
    assert_int_equal(json_count(json_member(json, "l")), 2);
    assert_int_equal(json_type(json_member(json, "z")), JSON_NULL);
    assert_null(json_member(NULL, "t"));
    json_free(json);
}

static void canonical(const char *text, const char *expected)
{
    Json *json = json_parse(text, strlen(text), NULL);
    Buffer out;
    buffer_init(&out, 4096);
    json_print_canonical(json, &out);
    assert_string_equal(out.bytes, expected);
    buffer_release(&out);
    json_free(json);
}

static void equal_values_print_alike(void **state)
{
    (void)state;
    canonical("{ \"b\": [1.0, 2e0], \"a\": {\"d\": 0.1, \"c\": null} }", "{\"a\":{\"c\":null,\"d\":0.1},\"b\":[1,2]}");
}

static void writer_escapes_and_separates(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 4096);
    JsonWriter writer;
    json_writer_init(&writer, &out);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "a", "q\" b\\ n\n t\t \x01 \xc3\xa9");
    json_begin_array(&writer, "b");
    json_write_integer(&writer, NULL, INT64_MIN);
    json_write_number(&writer, NULL, 0.1);
    json_write_number(&writer, NULL, 3);
    json_write_null(&writer, NULL);
    json_end_array(&writer);
    json_write_boolean(&writer, "c", false);
    json_write_raw(&writer, "d", "{}");
    json_write_text(&writer, "e", "\xff");
    json_write_text(&writer, "f", "\xc3\xa9\xff\xf0\x9f\x98\x80\xe2\x82");
    json_end_object(&writer);
    assert_string_equal(out.bytes,
                        "{\"a\":\"q\\\" b\\\\ n\\n t\\t \\u0001 \xc3\xa9\",\"b\":[-9223372036854775808,0.1,3,null],"
                        "\"c\":false,\"d\":{},\"e\":\"\xEF\xBF\xBD\","
                        "\"f\":\"\xc3\xa9\xEF\xBF\xBD\xf0\x9f\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD\"}");
    buffer_release(&out);
}

static void writer_indents_for_people(void **state)
{
    (void)state;
    auto_buffer out;
    buffer_init(&out, 256);
    JsonWriter writer;
    json_writer_init_indented(&writer, &out);
    json_begin_object(&writer, NULL);
    json_write_integer(&writer, "a", 1);
    json_begin_array(&writer, "b");
    json_write_text(&writer, NULL, "x");
    json_begin_object(&writer, NULL);
    json_end_object(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    assert_string_equal(out.bytes, "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    {}\n  ]\n}");
}

/* 2^53 + 1 would be rounded to 2^53, which passes. */
static void integers_beyond_2_53_stay_beyond(void **state)
{
    (void)state;
    static const char text[] = "[9007199254740992,-9007199254740992,9007199254740993,-9007199254740993,"
                               "\"9007199254740993\",90071992547409930]";
    static const bool within[] = {true, true, false, false, false, false};
    auto_json *json = json_parse(text, sizeof text - 1, NULL);
    size_t i = 0;
    for (const Json *item = json_first(json); item; item = json_next(item), i++) {
        int64_t value;
        assert_int_equal(json_integer(item, &value), within[i]);
    }
    assert_int_equal(i, sizeof within / sizeof *within);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused),      cmocka_unit_test(every_form_of_a_number_is_read),
        cmocka_unit_test(values_are_read_by_type),          cmocka_unit_test(equal_values_print_alike),
        cmocka_unit_test(writer_escapes_and_separates),     cmocka_unit_test(writer_indents_for_people),
        cmocka_unit_test(integers_beyond_2_53_stay_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
