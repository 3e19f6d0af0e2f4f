/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "references/judge.h"

#define PARAMETERS                                                                                                     \
    "parameters:\n"                                                                                                    \
    "  whole: {type: integer, required: true}\n"                                                                       \
    "  any: {required: true}\n"                                                                                        \
    "  word: x\n"
#define SCHEMA                                                                                                         \
    "\"parameter_openapi_schema\":{\"type\":\"object\",\"required\":[\"date\"],\"properties\":{"                       \
    "\"date\":{\"type\":\"string\"},\"limit\":{\"type\":\"integer\",\"default\":1}}}"
#define FINE "\"status\":\"READY\",\"paused\":false,\"enforce_parameter_schema\":true"

/* What is said of a stage with these parameters: "problem severity [parameter] message" lines. */
static char *said(const char *stage, const char *deployment, PoolState pool, ReferenceProblem *worst)
{
    char *text = text_format("name: x\n" PARAMETERS "stages:\n- {name: a, %s}\n", stage);
    Definition *definition = fixture_read(text);
    SurveyedDeployment surveyed = {.presence = deployment ? PRESENCE_FOUND : PRESENCE_MISSING, .pool = pool};
    Json *json = deployment ? fixture_json(deployment) : NULL;
    surveyed.json = json;
    ReferenceFaults faults = {0};
    reference_judge(definition, 0, &surveyed, &faults);
    *worst = reference_faults_worst(&faults);
    Buffer out;
    buffer_init(&out, 4096);
    buffer_text(&out, "");
    for (size_t i = 0; i < faults.count; i++) {
        const ReferenceFault *fault = &faults.items[i];
        const char *place = fault->parameter ? fault->parameter : fault->in_parameters ? "parameters" : "-";
        buffer_format(&out, "%s%s %s %s", i ? "; " : "", fault->severity == SEVERITY_ERROR ? "error" : "warning", place,
                      fault->message);
    }
    reference_faults_release(&faults);
    json_free(json);
    definition_release(definition);
    free(text);
    return buffer_take(&out);
}

static const struct {
    const char *stage, *deployment, *said;
    PoolState pool;
    ReferenceProblem worst;
} cases[] = {
    {"run: f/d, parameters: {date: x}", "{" FINE "," SCHEMA "}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d", NULL, "error - Prefect has no deployment 'f/d'", POOL_UNKNOWN, REFERENCE_MISSING},
    {"observe: f/d", NULL, "error - Prefect has no deployment 'f/d'", POOL_UNKNOWN, REFERENCE_MISSING},
    /* parameters */
    {"run: f/d", "{" FINE "," SCHEMA "}", "error parameters f/d needs the parameter 'date'", POOL_UNKNOWN,
     REFERENCE_PARAMETERS},
    {"run: f/d", "{" FINE ",\"parameters\":{\"date\":\"x\"}," SCHEMA "}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"observe: f/d", "{" FINE "," SCHEMA "}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d, parameters: {date: x, limits: 1}", "{" FINE "," SCHEMA "}",
     "error limits f/d has no parameter 'limits', did you mean 'limit'?", POOL_UNKNOWN, REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: x, limit: many}", "{" FINE "," SCHEMA "}",
     "error limit the parameter 'limit' of f/d must be integer, not string", POOL_UNKNOWN, REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: x, limit: many, other: 1}", "{\"status\":\"READY\"," SCHEMA "}",
     "warning limit the parameter 'limit' of f/d must be integer, not string; "
     "warning other f/d has no parameter 'other'",
     POOL_UNKNOWN, REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: x}", "{" FINE ",\"parameters\":{\"limit\":\"many\"}," SCHEMA "}",
     "error - the default that the deployment f/d has for 'limit' must be integer, not string", POOL_UNKNOWN,
     REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: x, limit: 1}", "{" FINE ",\"parameters\":{\"limit\":\"many\"}," SCHEMA "}", "",
     POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d, parameters: {other: 1}",
     "{" FINE ",\"parameter_openapi_schema\":{\"properties\":{},\"additionalProperties\":true}}", "", POOL_UNKNOWN,
     REFERENCE_FINE},
    {"run: f/d, parameters: {other: 1}", "{" FINE ",\"parameter_openapi_schema\":{}}", "", POOL_UNKNOWN,
     REFERENCE_FINE},
    {"run: f/d, parameters: {other: 1}", "{\"parameter_openapi_schema\":null}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d", "{" FINE ",\"parameter_openapi_schema\":null}",
     "error - f/d enforces a parameter schema that it does not have: Prefect will refuse every run", POOL_UNKNOWN,
     REFERENCE_PARAMETERS},
    /* templates */
    {"run: f/d, parameters: {date: '${run.date}', limit: '${params.whole}'}", "{" FINE "," SCHEMA "}", "", POOL_UNKNOWN,
     REFERENCE_FINE},
    {"run: f/d, parameters: {date: '${params.any}', limit: '${params.any}'}", "{" FINE "," SCHEMA "}", "", POOL_UNKNOWN,
     REFERENCE_FINE},
    {"run: f/d, parameters: {date: '${params.whole}', limit: '${params.word}'}", "{" FINE "," SCHEMA "}",
     "error date the parameter 'date' of f/d must be string, not integer; "
     "error limit the parameter 'limit' of f/d must be integer, not string",
     POOL_UNKNOWN, REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: '${params.whole}!', limit: ' ${params.whole}'}", "{" FINE "," SCHEMA "}",
     "error limit the parameter 'limit' of f/d must be integer, not string", POOL_UNKNOWN, REFERENCE_PARAMETERS},
    {"run: f/d, parameters: {date: '$$', limit: '${run.id}'}", "{" FINE "," SCHEMA "}",
     "error limit the parameter 'limit' of f/d must be integer, not string", POOL_UNKNOWN, REFERENCE_PARAMETERS},
    /* who runs it */
    {"observe: f/d", "{\"paused\":true}", "warning - the deployment f/d is paused in Prefect", POOL_UNKNOWN,
     REFERENCE_PAUSED},
    {"run: f/d", "{\"work_pool_name\":\"p\",\"status\":\"NOT_READY\"}", "", POOL_READY, REFERENCE_FINE},
    {"run: f/d", "{\"work_pool_name\":\"p\",\"status\":\"NOT_READY\"}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d", "{\"work_pool_name\":\"p\"}", "warning - the work pool 'p' of f/d has no worker online",
     POOL_WITHOUT_WORKER, REFERENCE_NO_WORKER},
    {"run: f/d", "{\"work_pool_name\":\"p\"}", "warning - the work pool 'p' of f/d is paused in Prefect", POOL_PAUSED,
     REFERENCE_PAUSED},
    {"run: f/d", "{\"status\":\"NOT_READY\",\"last_polled\":\"2026-11-22T04:23:06Z\"}",
     "warning - nobody serves f/d: last seen 2026-11-22T04:23:06Z", POOL_UNKNOWN, REFERENCE_NO_WORKER},
    {"run: f/d", "{\"status\":null}", "", POOL_UNKNOWN, REFERENCE_FINE},
    {"run: f/d, parameters: {limit: x}", "{\"paused\":true,\"status\":\"NOT_READY\"," SCHEMA "}",
     "warning limit the parameter 'limit' of f/d must be integer, not string; error parameters f/d needs the "
     "parameter 'date'; warning - the deployment f/d is paused in Prefect; warning - nobody serves f/d: last seen "
     "never",
     POOL_UNKNOWN, REFERENCE_PARAMETERS},
};

static void stages_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ReferenceProblem worst;
        char *got = said(cases[i].stage, cases[i].deployment, cases[i].pool, &worst);
        if (!text_equal(got, cases[i].said)) {
            fail_msg("{%s} against %s: %s", cases[i].stage, cases[i].deployment, got);
        }
        assert_int_equal(worst, cases[i].worst);
        free(got);
    }
}

static void what_is_not_known_is_not_judged(void **state)
{
    (void)state;
    Definition *definition = fixture_read("name: x\nstages:\n- {name: a, run: f/d}\n");
    SurveyedDeployment unknown = {.presence = PRESENCE_UNKNOWN};
    ReferenceFaults faults = {0};
    reference_judge(definition, 0, &unknown, &faults);
    assert_int_equal(faults.count, 0);
    assert_int_equal(reference_faults_worst(&faults), REFERENCE_FINE);
    definition_release(definition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_judged),
        cmocka_unit_test(what_is_not_known_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
