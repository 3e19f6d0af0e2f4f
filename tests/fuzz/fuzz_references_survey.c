/* SPDX-License-Identifier: Apache-2.0 */
/* {"replies": [...], "parameters": {...}}: Prefect's replies to a survey in turn, and what a stage gives the deployment
 * that comes out of it. */
#include "base/memory.h"
#include "references/judge.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { TEXT_MAX = 1 << 20, ANSWERS_MAX = 100 };

static const char head[] = "name: x\nparameters: {whole: {type: integer, required: true}}\nstages:\n"
                           "- {name: a, run: f/d, parameters: ";

static Json *copy_of(const Json *json)
{
    auto_buffer text;
    buffer_init(&text, TEXT_MAX);
    json_print(json, &text);
    return json_parse(text.bytes, text.length, NULL);
}

/* The reply of this number; a number instead is a status without a body. */
static void answer_all(Survey *survey, const Json *replies)
{
    const char *path;
    auto_buffer body;
    buffer_init(&body, TEXT_MAX);
    const Json *reply = json_first(replies);
    for (int i = 0; i < ANSWERS_MAX && survey_next(survey, &path, &body); i++) {
        int64_t status = 200;
        bool plain = json_integer(reply, &status);
        Error error = {0};
        survey_answer(survey, (int)(status % 1000), status < 0, reply && !plain ? copy_of(reply) : NULL, &error);
        reply = reply ? json_next(reply) : NULL;
        reply = reply ? reply : json_first(replies);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_json *input = json_parse((const char *)bytes, length, NULL);
    auto_buffer text;
    buffer_init(&text, TEXT_MAX);
    buffer_text(&text, head);
    const Json *parameters = json_member(input, "parameters");
    if (!parameters) {
        return 0;
    }
    json_print(parameters, &text);
    buffer_text(&text, "}\n");
    Findings findings = {0};
    Definition *definition = definition_read(text.bytes, text.length, NULL, &findings);
    Survey *survey = survey_new(2, true);
    survey_add(survey, "f/d");
    answer_all(survey, json_member(input, "replies"));
    ReferenceFaults faults = {0};
    if (definition) {
        reference_judge(definition, 0, survey_find(survey, "f/d"), &faults);
    }
    reference_faults_release(&faults);
    survey_free(survey);
    definition_release(definition);
    findings_release(&findings);
    return 0;
}
