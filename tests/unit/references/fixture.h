/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions and Prefect's replies from texts. */
#ifndef SENDPOST_TEST_REFERENCES_FIXTURE_H
#define SENDPOST_TEST_REFERENCES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "definitions/definition.h"
#include <string.h>

static inline Definition *fixture_read(const char *text)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), NULL, &findings);
    assert_non_null(definition);
    findings_release(&findings);
    return definition;
}

static inline Json *fixture_json(const char *text)
{
    Error error = {0};
    Json *json = json_parse(text, strlen(text), &error);
    if (!json) {
        fail_msg("%s: %s", error.text, text);
    }
    return json;
}

#endif
