/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` prints: each finding, then the summary. */
#ifndef SENDPOST_COMMANDS_CHECK_REPORT_H
#define SENDPOST_COMMANDS_CHECK_REPORT_H

#include "commands/checked.h"
#include "configuration/configuration.h"

typedef enum CheckFormat { CHECK_TEXT, CHECK_JSON, CHECK_GITHUB, CHECK_FORMATS } CheckFormat;
extern const char *const check_format_names[CHECK_FORMATS];

/* To standard output. configuration NULL: it is broken. Returns the number of errors. */
size_t check_report(const CheckedFiles *files, const Configuration *configuration, CheckFormat format);

#endif
