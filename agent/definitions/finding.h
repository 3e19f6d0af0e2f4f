/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a file, where. */
#ifndef SENDPOST_DEFINITIONS_FINDING_H
#define SENDPOST_DEFINITIONS_FINDING_H

#include "base/buffer.h"
#include "base/limits.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING } Severity;

typedef struct Finding {
    Severity severity;
    int line, column; /* from 1; columns in characters */
    char *message;    /* one line */
} Finding;

/* At most FINDINGS_MAX are kept, errors before warnings, in order of place; `errors` and `warnings` count all. */
typedef struct Findings {
    Finding items[FINDINGS_MAX];
    size_t count;
    size_t errors, warnings;
} Findings;

void findings_release(Findings *findings); /* legal on a zeroed one */
void findings_add(Findings *findings, Severity severity, int line, int column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Whether a finding there would be kept: what costs more than the finding is only looked for then. */
bool findings_keep(const Findings *findings, Severity severity, int line, int column);
const Finding *findings_first_error(const Findings *findings); /* NULL when none */

/* file:line:column: error: message, the source line, a caret below the column. `text` may be NULL: no source line then.
 */
void finding_print(const Finding *finding, const char *file, const char *text, size_t length, Buffer *out);

#endif
