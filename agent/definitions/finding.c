/* SPDX-License-Identifier: Apache-2.0 */
#include "definitions/finding.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void findings_release(Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].message);
    }
    *findings = (Findings){0};
}

static bool is_before(int line, int column, const Finding *other)
{
    return line < other->line || (line == other->line && column < other->column);
}

/* What a full list gives up for one more: for an error its last warning, else what is last; FINDINGS_MAX: nothing. */
static size_t victim_of(const Findings *findings, Severity severity, int line, int column)
{
    size_t victim = FINDINGS_MAX - 1;
    while (victim > 0 && findings->items[victim].severity == SEVERITY_ERROR) {
        victim--;
    }
    bool has_warning = findings->items[victim].severity == SEVERITY_WARNING;
    bool graver = severity == SEVERITY_ERROR && has_warning, lighter = severity == SEVERITY_WARNING && !has_warning;
    victim = has_warning ? victim : FINDINGS_MAX - 1;
    return graver || (!lighter && is_before(line, column, &findings->items[victim])) ? victim : FINDINGS_MAX;
}

bool findings_keep(const Findings *findings, Severity severity, int line, int column)
{
    return findings->count < FINDINGS_MAX || victim_of(findings, severity, line, column) < FINDINGS_MAX;
}

void findings_add(Findings *findings, Severity severity, int line, int column, const char *format, ...)
{
    *(severity == SEVERITY_ERROR ? &findings->errors : &findings->warnings) += 1;
    size_t victim = findings->count < FINDINGS_MAX ? 0 : victim_of(findings, severity, line, column);
    if (victim == FINDINGS_MAX) {
        return;
    }
    if (findings->count == FINDINGS_MAX) {
        free(findings->items[victim].message);
        findings->count--;
        memmove(&findings->items[victim], &findings->items[victim + 1],
                (findings->count - victim) * sizeof *findings->items);
    }
    size_t at = findings->count;
    while (at > 0 && is_before(line, column, &findings->items[at - 1])) {
        at--;
    }
    memmove(&findings->items[at + 1], &findings->items[at], (findings->count - at) * sizeof *findings->items);
    findings->count++;
    va_list arguments;
    va_start(arguments, format);
    char *message = NULL;
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    findings->items[at] = (Finding){severity, line, column, length < 0 ? text_copy(format) : message};
    text_make_printable(findings->items[at].message);
}

const Finding *findings_first_error(const Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity == SEVERITY_ERROR) {
            return &findings->items[i];
        }
    }
    return NULL;
}

enum { SOURCE_LINE_MAX = 2000 }; /* longer ones are not shown */

/* The line's bytes without its end; NULL when there is no such line. */
static const char *line_of(const char *text, size_t length, int line, size_t *line_length)
{
    const char *at = text, *end = text + length;
    for (int i = 1; i < line; i++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        if (!next) {
            return NULL;
        }
        at = next + 1;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *line_length = (size_t)((stop ? stop : end) - at);
    if (*line_length && at[*line_length - 1] == '\r') {
        --*line_length;
    }
    return at;
}

void finding_print(const Finding *finding, const char *file, const char *text, size_t length, Buffer *out)
{
    buffer_format(out, "%s:%d:%d: %s: %s\n", file, finding->line, finding->column,
                  finding->severity == SEVERITY_ERROR ? "error" : "warning", finding->message);
    size_t line_length = 0;
    const char *line = text ? line_of(text, length, finding->line, &line_length) : NULL;
    if (!line || line_length == 0 || line_length > SOURCE_LINE_MAX || !text_is_utf8(line, line_length)) {
        return;
    }
    auto_free char *shown = text_copy_length(line, line_length);
    text_make_printable(shown); /* tabs too: the caret stands below its column whatever their width */
    buffer_format(out, "%s\n%*s\n", shown, finding->column, "^");
}
