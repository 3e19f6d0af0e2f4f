/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a string with templates: literal text, $$ and ${...}. */
#ifndef SENDPOST_DEFINITIONS_TEMPLATE_H
#define SENDPOST_DEFINITIONS_TEMPLATE_H

#include "base/error.h"
#include <stddef.h>

typedef enum TemplateKind {
    TEMPLATE_LITERAL,
    TEMPLATE_RUN_ID,
    TEMPLATE_RUN_DATE,
    TEMPLATE_RUN_TIME,
    TEMPLATE_RUN_TRIGGER,
    TEMPLATE_SENDPOST_NAME,
    TEMPLATE_PARAMETER,
    TEMPLATE_FLOW_RUN
} TemplateKind;

enum { TEMPLATE_SHIFT_DAYS_MAX = 36600 };

typedef struct TemplatePart {
    TemplateKind kind;
    const char *text; /* borrowed: of the literal, the parameter's name, or the stage's path */
    size_t length;
    int shift_days; /* RUN_DATE */
} TemplatePart;

/* Takes the next part at *at, which moves on. 1: a part; 0: the end; -1: an error, which it stays at only when no part
 * can follow. */
int template_next(const char **at, TemplatePart *part, Error *error);

#endif
