/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "definitions/places.h"
#include <string.h>

static const char text[] = "# daily\n"                                         /* 1 */
                           "name: daily\n"                                     /* 2 */
                           "stages:\n"                                         /* 3 */
                           "  - name: a\n"                                     /* 4 */
                           "    run: f/a\n"                                    /* 5 */
                           "    parameters:\n"                                 /* 6 */
                           "      date: x\n"                                   /* 7 */
                           "  - name: group\n"                                 /* 8 */
                           "    parallel:\n"                                   /* 9 */
                           "      - {name: b, run: f/b, parameters: {x: 1}}\n" /* 10 */
                           "      - name: c\n"                                 /* 11 */
                           "        stages:\n"                                 /* 12 */
                           "          - {name: d, observe: f/d}\n"             /* 13 */
                           "  - {name: e, run: f/e}\n";                        /* 14 */

static void keys_are_found_where_they_stand(void **state)
{
    (void)state;
    static const struct {
        int node;
        const char *key, *inner;
        int line, column;
    } cases[] = {
        {-1, "name", NULL, 2, 1},       {-1, "owner", NULL, 2, 1},       {0, "run", NULL, 5, 5},
        {0, "parameters", NULL, 6, 5},  {0, "parameters", "date", 7, 7}, {0, "parameters", "other", 6, 5},
        {0, "tags", "x", 4, 5},         {1, "parallel", NULL, 9, 5},     {2, "run", NULL, 10, 19},
        {2, "parameters", "x", 10, 42}, {4, "observe", NULL, 13, 23},    {5, "run", NULL, 14, 15},
        {0, "run", "inner", 5, 5},
    };
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    Places *places = places_new(definition);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int line, column;
        places_find(places, cases[i].node, cases[i].key, cases[i].inner, &line, &column);
        assert_int_equal(line * 1000 + column, cases[i].line * 1000 + cases[i].column);
    }
    places_free(places);
    definition_release(definition);
}

static void errors_push_warnings_out_of_a_full_list(void **state)
{
    (void)state;
    Findings findings = {0};
    for (int i = 0; i < FINDINGS_MAX; i++) {
        findings_add(&findings, SEVERITY_WARNING, 10 + i, 1, "warning");
    }
    findings_add(&findings, SEVERITY_WARNING, 5, 1, "early");
    findings_add(&findings, SEVERITY_WARNING, 99, 1, "late");
    assert_string_equal(findings.items[0].message, "early");
    assert_int_equal(findings.items[FINDINGS_MAX - 1].line, 10 + FINDINGS_MAX - 2);
    findings_add(&findings, SEVERITY_ERROR, 99, 1, "error");
    assert_string_equal(findings.items[FINDINGS_MAX - 1].message, "error");
    for (int i = 1; i < FINDINGS_MAX; i++) {
        findings_add(&findings, SEVERITY_ERROR, 50 + i, 1, "error");
    }
    assert_int_equal(findings.items[0].severity, SEVERITY_ERROR);
    findings_add(&findings, SEVERITY_WARNING, 1, 1, "too light");
    findings_add(&findings, SEVERITY_ERROR, 100, 1, "too late");
    findings_add(&findings, SEVERITY_ERROR, 1, 1, "first");
    assert_string_equal(findings.items[0].message, "first");
    assert_string_equal(findings.items[FINDINGS_MAX - 1].message, "error");
    assert_int_equal(findings.errors, FINDINGS_MAX + 2);
    assert_int_equal(findings.warnings, FINDINGS_MAX + 3);
    assert_int_equal(findings.count, FINDINGS_MAX);
    findings_release(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_where_they_stand),
        cmocka_unit_test(errors_push_warnings_out_of_a_full_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
