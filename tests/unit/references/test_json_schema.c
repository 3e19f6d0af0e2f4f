/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "references/json_schema.h"

/* "?types" stands for a text that may become these types: s, i, n, b, a, o, 0 (null). */
static unsigned types_of_text(const void *user, const char *text)
{
    static const char letters[] = "0bnsaoi";
    unsigned types = 0;
    assert_string_equal(user, "user");
    for (const char *at = text[0] == '?' ? text + 1 : ""; *at; at++) {
        types |= 1U << (strchr(letters, *at) - letters);
    }
    return types;
}

static const struct {
    const char *schema, *value, *fault; /* fault NULL: it fits */
} cases[] = {
    {"{}", "1", NULL},
    {"true", "1", NULL},
    {"{\"type\":\"integer\"}", "1", NULL},
    {"{\"type\":\"integer\"}", "1.0", NULL},
    {"{\"type\":\"integer\"}", "1.5", "must be integer, not number"},
    {"{\"type\":\"integer\"}", "\"1\"", "must be integer, not string"},
    {"{\"type\":\"integer\"}", "true", "must be integer, not boolean"},
    {"{\"type\":\"number\"}", "1", NULL},
    {"{\"type\":\"string\"}", "null", "must be string, not null"},
    {"{\"type\":\"string\"}", "1", "must be string, not integer"},
    {"{\"type\":[\"string\",\"null\"]}", "null", NULL},
    {"{\"type\":[\"string\",\"null\"]}", "[]", "must be string or null, not array"},
    {"{\"type\":\"something\"}", "1", NULL},
    /* texts that only a run will know */
    {"{\"type\":\"integer\"}", "\"?i\"", NULL},
    {"{\"type\":\"integer\"}", "\"?s\"", "must be integer, not string"},
    {"{\"type\":\"integer\"}", "\"?si\"", NULL},
    {"{\"type\":\"integer\",\"minimum\":5}", "\"?ni\"", NULL},
    {"{\"enum\":[\"a\"]}", "\"?s\"", NULL},
    {"{\"type\":\"string\",\"maxLength\":1}", "\"?s\"", NULL},
    /* values */
    {"{\"enum\":[\"a\",1]}", "\"a\"", NULL},
    {"{\"enum\":[\"a\",1]}", "1.0", NULL},
    {"{\"enum\":[\"a\",1]}", "\"b\"", "must be one of [\"a\",1]"},
    {"{\"const\":\"a\"}", "\"b\"", "must be \"a\""},
    {"{\"const\":[1,{\"a\":2,\"b\":3}]}", "[1.0,{\"b\":3,\"a\":2}]", NULL},
    {"{\"const\":[1]}", "[2]", "must be [1]"},
    {"{\"enum\":[\"a\",1]}", "[\"a\"]", "must be one of [\"a\",1]"},
    {"{\"enum\":[\"a\",1]}", "{}", "must be one of [\"a\",1]"},
    {"{\"enum\":[[\"a\"]]}", "[\"?s\"]", NULL},
    {"{\"enum\":[{\"a\":[1]}]}", "{\"a\":[{\"__prefect_kind\":\"json\"}]}", NULL},
    {"{\"minimum\":1,\"maximum\":2}", "1", NULL},
    {"{\"minimum\":1,\"maximum\":2}", "0.5", "must be at least 1"},
    {"{\"minimum\":1,\"maximum\":2}", "3", "must be at most 2"},
    {"{\"exclusiveMinimum\":1}", "1", "must be more than 1"},
    {"{\"exclusiveMaximum\":2}", "2", "must be less than 2"},
    {"{\"minLength\":2}", "\"\\u00e4\"", "must have at least 2 characters"},
    {"{\"maxLength\":1}", "\"\\u00e4\"", NULL},
    {"{\"minItems\":1}", "[]", "must have at least 1 item"},
    {"{\"maxItems\":1}", "[1,2]", "must have at most 1 item"},
    /* within */
    {"{\"items\":{\"type\":\"integer\"}}", "[1,\"x\"]", "item 1 must be integer, not string"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"x\"}", "member 'a' must be integer, not string"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"b\":\"x\"}", NULL},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"b\":1}", "has an unknown member 'b'"},
    {"{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", "{}", "has no 'a'"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":null}", NULL},
    {"{\"properties\":{\"a\":{\"type\":\"integer\",\"default\":1}}}", "{\"a\":null}",
     "member 'a' must be integer, not null"},
    /* combined */
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", "null", NULL},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", "\"x\"", "must be integer or null, not string"},
    {"{\"oneOf\":[{\"type\":\"integer\",\"minimum\":3}]}", "1", "must be at least 3"},
    {"{\"anyOf\":[{\"type\":\"string\",\"enum\":[\"a\"]},{\"type\":\"null\"}]}", "\"x\"", "must be one of [\"a\"]"},
    {"{\"anyOf\":[{\"enum\":[\"a\"]},{\"minLength\":3}]}", "\"x\"", "fits none of what is allowed"},
    {"{\"anyOf\":[]}", "1", NULL},
    {"{\"allOf\":[{\"type\":\"integer\"},{\"minimum\":3}]}", "1", "must be at least 3"},
    {"{\"$ref\":\"#/definitions/whole\"}", "1", NULL},
    {"{\"$ref\":\"#/definitions/whole\"}", "\"x\"", "must be integer, not string"},
    {"{\"$ref\":\"#/definitions/a~1b~0\"}", "\"x\"", "must be boolean, not string"},
    {"{\"$ref\":\"#/definitions/nothing\"}", "1", NULL},
    {"{\"$ref\":\"http://elsewhere\"}", "1", NULL},
    {"{\"$ref\":\"#/definitions/circle\"}", "1", NULL},
    {"{\"$ref\":\"#/definitions/nest\"}", "{\"a\":{\"a\":1}}", "member 'a' member 'a' must be object, not integer"},
    {"{\"$ref\":\"#/definitions/block\"}", "{\"$ref\":\"x\"}", NULL},
    {"{\"type\":\"integer\"}", "{\"__prefect_kind\":\"jinja\",\"template\":\"1\"}", NULL},
};

static const char root[] = "{\"definitions\":{\"whole\":{\"type\":\"integer\"},\"a/b~\":{\"type\":\"boolean\"},"
                           "\"circle\":{\"$ref\":\"#/definitions/circle\"},"
                           "\"nest\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/definitions/nest\"}}},"
                           "\"block\":{\"type\":\"integer\",\"block_type_slug\":\"secret\"}}}";

/* Of an object that must have a "value". */
static Json *parent_of(const char *schema)
{
    auto_free char *text = text_format("{\"properties\":{\"value\":%s},\"required\":[\"value\"]}", schema);
    return fixture_json(text);
}

static void values_are_judged(void **state)
{
    (void)state;
    Json *whole = fixture_json(root);
    SchemaContext context = {whole, types_of_text, "user"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Json *parent = parent_of(cases[i].schema), *value = fixture_json(cases[i].value);
        char *fault = schema_member_fault(&context, parent, "value", value);
        if (!text_equal(fault, cases[i].fault)) {
            fail_msg("%s in %s: %s", cases[i].value, cases[i].schema, fault ? fault : "fits");
        }
        free(fault);
        json_free(parent);
        json_free(value);
    }
    json_free(whole);
}

/* Schemas that lead into themselves, also several times at once, come to an end. */
static void walks_are_bounded(void **state)
{
    (void)state;
    static const char *const circles[] = {
        "{\"definitions\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/definitions/a\"}]}}}",
        "{\"definitions\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/definitions/a\"},{\"$ref\":\"#/definitions/a\"}]}}}",
        "{\"definitions\":{\"a\":{\"allOf\":[{\"$ref\":\"#/definitions/a\"},{\"$ref\":\"#/definitions/a\"}]}}}",
        "{\"definitions\":{\"a\":{\"anyOf\":[{\"type\":\"string\"},{\"anyOf\":[{\"allOf\":[{\"$ref\":"
        "\"#/definitions/a\"},{\"$ref\":\"#/definitions/a\"}]}]}]}}}",
    };
    for (size_t i = 0; i < sizeof circles / sizeof *circles; i++) {
        Json *whole = fixture_json(circles[i]);
        Json *parent = parent_of("{\"$ref\":\"#/definitions/a\"}"), *value = fixture_json("1");
        SchemaContext context = {whole, types_of_text, "user"};
        assert_null(schema_member_fault(&context, parent, "value", value));
        json_free(parent);
        json_free(value);
        json_free(whole);
    }
}

static void schemas_are_read(void **state)
{
    (void)state;
    Json *whole = fixture_json(root), *schema = fixture_json("{\"$ref\":\"#/definitions/whole\"}");
    Json *listed = fixture_json("{\"enum\":[1],\"required\":[\"a\"]}");
    SchemaContext context = {whole, types_of_text, "user"};
    assert_string_equal(schema_type(&context, schema), "integer");
    assert_null(schema_type(&context, listed));
    assert_null(schema_enumeration(&context, schema));
    assert_int_equal(json_count(schema_enumeration(&context, listed)), 1);
    assert_true(schema_requires(listed, "a"));
    assert_false(schema_requires(listed, "b"));
    json_free(whole);
    json_free(schema);
    json_free(listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_judged),
        cmocka_unit_test(walks_are_bounded),
        cmocka_unit_test(schemas_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
