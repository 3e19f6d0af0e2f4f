/* SPDX-License-Identifier: Apache-2.0 */
#include "definitions/template.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    TemplateKind kind;
} names[] = {
    {"run.id", TEMPLATE_RUN_ID},           {"run.date", TEMPLATE_RUN_DATE},           {"run.time", TEMPLATE_RUN_TIME},
    {"run.trigger", TEMPLATE_RUN_TRIGGER}, {"sendpost.name", TEMPLATE_SENDPOST_NAME},
};
enum { NAMES = sizeof names / sizeof *names };

static bool starts(const char *text, size_t length, const char *prefix)
{
    return length > strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, size_t length, const char *suffix)
{
    size_t size = strlen(suffix);
    return length > size && memcmp(text + length - size, suffix, size) == 0;
}

/* run.date-1d, run.date+7d */
static bool shifted_date(const char *text, size_t length, TemplatePart *part)
{
    size_t name = strlen("run.date");
    if (!starts(text, length, "run.date") || (text[name] != '+' && text[name] != '-') || !ends(text, length, "d")) {
        return false;
    }
    size_t digits = length - name - 2;
    if (digits == 0 || digits > 7 || strspn(text + name + 1, "0123456789") != digits) {
        return false;
    }
    int days = (int)strtol(text + name + 1, NULL, 10);
    *part = (TemplatePart){.kind = TEMPLATE_RUN_DATE, .shift_days = text[name] == '-' ? -days : days};
    return days <= TEMPLATE_SHIFT_DAYS_MAX;
}

static bool parse_expression(const char *text, size_t length, TemplatePart *part, Error *error)
{
    static const char prefix[] = "stages.", suffix[] = ".flow_run_id";
    for (size_t i = 0; i < NAMES; i++) {
        if (strlen(names[i].name) == length && memcmp(names[i].name, text, length) == 0) {
            *part = (TemplatePart){.kind = names[i].kind};
            return true;
        }
    }
    if (shifted_date(text, length, part)) {
        return true;
    }
    if (starts(text, length, "params.")) {
        *part = (TemplatePart){TEMPLATE_PARAMETER, text + 7, length - 7, 0};
        return true;
    }
    if (starts(text, length, prefix) && ends(text, length, suffix) && length > sizeof prefix - 1 + sizeof suffix - 1) {
        *part = (TemplatePart){TEMPLATE_FLOW_RUN, text + sizeof prefix - 1,
                               length - (sizeof prefix - 1) - (sizeof suffix - 1), 0};
        return true;
    }
    const char *candidates[NAMES];
    for (size_t i = 0; i < NAMES; i++) {
        candidates[i] = names[i].name;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), text);
    const char *nearest = text_nearest(name, candidates, NAMES);
    return error_set(error, ERROR_INVALID, "unknown template '${%s}'%s%s%s", name, nearest ? ", did you mean '${" : "",
                     nearest ? nearest : "", nearest ? "}'?" : "");
}

int template_next(const char **at, TemplatePart *part, Error *error)
{
    const char *text = *at;
    if (*text == '\0') {
        return 0;
    }
    if (text[0] == '$' && text[1] == '$') {
        *part = (TemplatePart){TEMPLATE_LITERAL, text, 1, 0};
        *at = text + 2;
        return 1;
    }
    if (text[0] == '$' && text[1] == '{') {
        const char *end = strchr(text, '}');
        if (!end) {
            error_set(error, ERROR_INVALID, "a template '${' without its '}'");
            return -1;
        }
        *at = end + 1;
        return parse_expression(text + 2, (size_t)(end - text - 2), part, error) ? 1 : -1;
    }
    size_t length = 1 + strcspn(text + 1, "$"); /* a $ that begins nothing is itself */
    *part = (TemplatePart){TEMPLATE_LITERAL, text, length, 0};
    *at = text + length;
    return 1;
}
