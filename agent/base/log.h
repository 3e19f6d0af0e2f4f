/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on standard error: logfmt or JSON, one line each, with typed fields. Only the shell logs: never engine/,
 * definitions/ or base/. The level, the format and the counters are the only mutable globals of the program. */
#ifndef SENDPOST_BASE_LOG_H
#define SENDPOST_BASE_LOG_H

#include <stdint.h>

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS } LogLevel;
typedef enum LogFormat { LOG_AUTO, LOG_LOGFMT, LOG_JSON } LogFormat;

extern const char *const log_level_names[LOG_LEVELS]; /* "debug" "info" "warn" "error" */

/* LOG_AUTO: logfmt when standard error is a terminal, JSON otherwise. */
void log_configure(LogLevel level, LogFormat wanted);

/* message is a constant sentence; then pairs of (const char *key, const char *value) ended by a NULL key. A NULL value
 * is left out. log_line(LOG_WARN, "definition is broken", "file", file, "cause", error.text, NULL). Values are cut at 2
 * KiB. */
void log_line(LogLevel level, const char *message, ...) __attribute__((sentinel));

/* Lines written since the start, whether or not the level let them through to the output: sendpost_log_messages_total.
 */
uint64_t log_count(LogLevel level);

#endif
