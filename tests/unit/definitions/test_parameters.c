/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "definitions/parameters.h"
#include <string.h>

#define STAGES "stages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n"
#define NOON   1795003200000 /* 2026-11-18T12:00:00Z */

static Definition *read(const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    findings_release(&findings);
    return definition;
}

static const char *flow_run(void *user, int node)
{
    (void)user;
    return node == 0 ? "f-1" : NULL;
}

static TemplateContext context_of(const Definition *definition, const Json *parameters)
{
    return (TemplateContext){.definition = definition,
                             .run_id = "r-1",
                             .trigger = "api",
                             .for_ms = NOON,
                             .parameters = parameters,
                             .flow_run_id = flow_run};
}

static void rendered(const char *value, const char *parameters, const char *expected)
{
    Definition *definition = read("name: x\n" STAGES);
    Json *given = json_parse(parameters, strlen(parameters), NULL), *json = json_parse(value, strlen(value), NULL);
    TemplateContext context = context_of(definition, given);
    Json *result = template_render(json, &context);
    Buffer out;
    buffer_init(&out, 4096);
    json_print(result, &out);
    assert_string_equal(out.bytes, expected);
    buffer_release(&out);
    json_free(result);
    json_free(given);
    json_free(json);
    definition_release(definition);
}

static void templates_are_replaced(void **state)
{
    (void)state;
    rendered("{\"a\":\"${run.id}/${run.trigger}/${sendpost.name}\"}", "{}", "{\"a\":\"r-1/api/x\"}");
    rendered("{\"a\":\"${run.date} ${run.date-1d} ${run.date+14d}\"}", "{}",
             "{\"a\":\"2026-11-18 2026-11-17 2026-12-02\"}");
    rendered("{\"a\":\"${run.time}\"}", "{}", "{\"a\":\"2026-11-18T12:00:00.000Z\"}");
    rendered("{\"a\":\"$${run.id} $ $5\"}", "{}", "{\"a\":\"${run.id} $ $5\"}");
    rendered("{\"a\":\"${stages.a.flow_run_id}\"}", "{}", "{\"a\":\"f-1\"}");
}

static void one_template_keeps_its_type(void **state)
{
    (void)state;
    rendered("{\"a\":\"${params.n}\",\"b\":\"no ${params.n}\"}", "{\"n\":7}", "{\"a\":7,\"b\":\"no 7\"}");
    rendered("[\"${params.l}\",\"${params.t}\"]", "{\"l\":[1,{\"x\":null}],\"t\":true}", "[[1,{\"x\":null}],true]");
}

static void what_has_no_value_is_left_out(void **state)
{
    (void)state;
    rendered("{\"a\":\"${params.n}\",\"b\":1,\"c\":[\"x ${params.n}\",2],\"d\":\"${stages.b.flow_run_id}\"}", "{}",
             "{\"b\":1,\"c\":[2]}");
}

/* The resolved object, or one line for each fault. */
static void resolved(const char *declarations, const char *given, const char *expected)
{
    char *text = text_format("name: x\n%s" STAGES, declarations);
    Definition *definition = read(text);
    Json *json = given ? json_parse(given, strlen(given), NULL) : NULL;
    TemplateContext context = context_of(definition, NULL);
    ParameterFaults faults = {0};
    Json *result = parameters_resolve(definition, json, &context, &faults);
    Buffer out;
    buffer_init(&out, 4096);
    if (result) {
        json_print(result, &out);
    }
    for (size_t i = 0; i < faults.count; i++) {
        buffer_format(&out, "%s%s %s", i ? "\n" : "", faults.items[i].pointer, faults.items[i].detail);
    }
    assert_string_equal(out.bytes, expected);
    buffer_release(&out);
    parameter_faults_release(&faults);
    json_free(result);
    json_free(json);
    definition_release(definition);
    free(text);
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    resolved("", NULL, "{}");
    resolved("parameters: {a: 1, b: \"${run.date}\", c: \"${params.a}\", d: {required: false}}\n", NULL,
             "{\"a\":1,\"b\":\"2026-11-18\",\"c\":1}");
    resolved("parameters: {a: 5$$, b: {default: [$$, \"$${a}\"]}}\n", NULL, "{\"a\":\"5$\",\"b\":[\"$\",\"${a}\"]}");
    resolved("parameters: {a: 1, b: {type: object}}\n", "{\"b\":{\"x\":[1]},\"a\":2}", "{\"a\":2,\"b\":{\"x\":[1]}}");
}

static void every_fault_is_named(void **state)
{
    (void)state;
    resolved("parameters: {limit: {type: integer, minimum: 1, maximum: 9}, kind: {enum: [all, test]}, must: {}}\n",
             "{\"limit\":0,\"kind\":\"al\",\"limt\":1}",
             "/parameters/limit must be at least 1\n/parameters/kind must be one of [\"all\",\"test\"]\n"
             "/parameters/limt is not declared, did you mean 'limit'?\n/parameters/must is required");
    resolved("parameters: {limit: {type: integer}}\n", "{\"limit\":1.5}",
             "/parameters/limit must be of type integer, not number");
    resolved("parameters: {limit: {type: integer}}\n", "{\"limit\":9007199254740993}",
             "/parameters/limit integers beyond 2^53 are rounded by JSON readers: give it as a string");
    resolved("parameters: {a/b~: {type: string}}\n", "{\"a/b~\":1}",
             "/parameters/a~1b~0 must be of type string, not number");
}

static void integers_up_to_2_53_pass(void **state)
{
    (void)state;
    resolved("parameters: {n: 9007199254740992, m: 0x20000000000000}\n", "{\"m\":-9007199254740992}",
             "{\"n\":9007199254740992,\"m\":-9007199254740992}");
    resolved("parameters: {n: {}}\n", "{\"n\":[-9007199254740993]}",
             "/parameters/n integers beyond 2^53 are rounded by JSON readers: give it as a string");
}

/* Of what is declared without a type, and given as text with -p, the type is that of its values. */
static void types_follow_from_values(void **state)
{
    (void)state;
    static const struct {
        const char *declaration;
        ParameterType type;
    } cases[] = {
        {"all", PARAMETER_STRING},
        {"1", PARAMETER_INTEGER},
        {"1.5", PARAMETER_NUMBER},
        {"{default: all, enum: [all, test]}", PARAMETER_STRING},
        {"{enum: [1, 2.5]}", PARAMETER_NUMBER},
        {"{default: 5, enum: [5, all]}", PARAMETER_ANY},
        {"{default: [1]}", PARAMETER_ARRAY},
        {"{default: \"${run.date}\"}", PARAMETER_STRING},
        {"{}", PARAMETER_ANY},
        {"{type: number, default: 1}", PARAMETER_NUMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_format("name: x\nparameters: {p: %s}\n" STAGES, cases[i].declaration);
        Definition *definition = read(text);
        assert_int_equal(definition->parameters[0].type, cases[i].type);
        definition_release(definition);
        free(text);
    }
}

/* Each twice the one before it. */
static void sizes_are_bounded(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 4096);
    buffer_text(&text, "name: x\nparameters:\n  p0: xxxxxxxx\n");
    for (int i = 1; i < 40; i++) {
        buffer_format(&text, "  p%d: \"${params.p%d}${params.p%d}\"\n", i, i - 1, i - 1);
    }
    buffer_text(&text, STAGES);
    Definition *definition = read(text.bytes);
    TemplateContext context = context_of(definition, NULL);
    ParameterFaults faults = {0};
    assert_null(parameters_resolve(definition, NULL, &context, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].detail,
                        "makes the parameters larger than 1048576 bytes, or nested deeper than 64");
    parameter_faults_release(&faults);
    definition_release(definition);
    buffer_release(&text);
}

static void depths_are_bounded(void **state)
{
    (void)state;
    enum { DEPTH = 60 };
    Buffer given;
    buffer_init(&given, 4096);
    buffer_text(&given, "{\"a\":");
    for (int i = 0; i < 2 * DEPTH; i++) {
        buffer_char(&given, i < DEPTH ? '[' : ']');
    }
    buffer_char(&given, '}');
    resolved("parameters: {a: {}, b: {type: array, default: [[[[[\"${params.a}\"]]]]]}}\n", given.bytes,
             "/parameters/b makes the parameters larger than 1048576 bytes, or nested deeper than 64");
    buffer_release(&given);
}

static void faults_are_bounded(void **state)
{
    (void)state;
    Definition *definition = read("name: x\n" STAGES);
    Buffer given;
    buffer_init(&given, 1 << 20);
    for (int i = 0; i < 500; i++) {
        buffer_format(&given, "%s\"p%d\":1", i ? "," : "{", i);
    }
    buffer_char(&given, '}');
    Json *json = json_parse(given.bytes, given.length, NULL);
    TemplateContext context = context_of(definition, NULL);
    ParameterFaults faults = {0};
    assert_null(parameters_resolve(definition, json, &context, &faults));
    assert_int_equal(faults.count, 100);
    parameter_faults_release(&faults);
    json_free(json);
    buffer_release(&given);
    definition_release(definition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_replaced),
        cmocka_unit_test(one_template_keeps_its_type),
        cmocka_unit_test(what_has_no_value_is_left_out),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(integers_up_to_2_53_pass),
        cmocka_unit_test(types_follow_from_values),
        cmocka_unit_test(faults_are_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(depths_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
