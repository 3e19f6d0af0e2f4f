/* SPDX-License-Identifier: Apache-2.0 */
/* The useful line is the one that the author wrote; it comes before the engine's own in time, and those carry whole
 * tracebacks. So the lines are ranked: the author's in their order, then the last line of what the engine says. */
#include "prefect/report.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/state.h"
#include "time/instant.h"
#include <string.h>

enum { LEVEL_CRITICAL = 50, LEVEL_ERROR = 40, LEVEL_WARNING = 30 };

/* How the engine's own lines begin, in both generations of Prefect. */
static const char *const engine_lines[] = {
    "Engine execution exited with unexpected exception",
    "Encountered exception during execution",
    "Finished in state",
    "Task run failed with exception",
    "Flow run encountered an exception",
    "Task run encountered an exception",
    "Process for flow run",
    "Reported flow run",
    "Crash detected",
};

void collected_report_release(CollectedReport *report)
{
    free(report->task_name);
    free(report->task_message);
    free(report->logs);
    *report = (CollectedReport){0};
}

/* explode-815: the suffix is the first three characters of dynamic_key (Prefect 3), or all of it (Prefect 2). */
static char *task_name(const Json *task)
{
    const char *name = json_member_text(task, "name"), *dynamic = json_member_text(task, "dynamic_key");
    if (!name) {
        return NULL;
    }
    const char *dash = strrchr(name, '-');
    bool is_dynamic = dash && dash > name && dash[1] && dynamic && text_starts_with(dynamic, dash + 1);
    return is_dynamic ? text_copy_length(name, (size_t)(dash - name)) : text_copy(name);
}

static const Json *first_failed(const Json *task_runs)
{
    const Json *first = NULL;
    int64_t earliest = INT64_MAX;
    for (const Json *task = json_first(task_runs); task; task = json_next(task)) {
        const Json *state = json_member(task, "state");
        const char *type = json_member_text(state, "type"), *at = json_member_text(state, "timestamp");
        int64_t wall_ms = INT64_MAX - 1;
        bool failed = text_equal(type, "FAILED") || text_equal(type, "CRASHED");
        if (at) {
            instant_parse(at, &wall_ms);
        }
        if (failed && wall_ms < earliest) {
            earliest = wall_ms;
            first = task;
        }
    }
    return first;
}

static bool is_engine_line(const char *message)
{
    for (size_t i = 0; i < sizeof engine_lines / sizeof *engine_lines; i++) {
        if (text_starts_with(message, engine_lines[i])) {
            return true;
        }
    }
    return strstr(message, "Traceback (most recent call last)") != NULL;
}

/* The last line that is not empty, without its end. */
static char *last_line(const char *message)
{
    size_t end = strlen(message);
    while (end > 0 && strchr("\r\n \t", message[end - 1])) {
        end--;
    }
    size_t start = end;
    while (start > 0 && message[start - 1] != '\n') {
        start--;
    }
    return text_copy_length(message + start, end - start);
}

static const char *level_name(const Json *log)
{
    int64_t level = 0;
    json_integer(json_member(log, "level"), &level);
    return level >= LEVEL_CRITICAL  ? "CRITICAL"
           : level >= LEVEL_ERROR   ? "ERROR"
           : level >= LEVEL_WARNING ? "WARNING"
                                    : "INFO";
}

static void write_log(JsonWriter *writer, const Json *log, const char *message)
{
    int64_t wall_ms = 0;
    char at[INSTANT_TEXT_SIZE];
    const char *timestamp = json_member_text(log, "timestamp");
    bool known = timestamp && instant_parse(timestamp, &wall_ms);
    instant_format(wall_ms, at);
    auto_free char *line = text_copy_length(message, text_cut(message, REPORT_LINE_MAX));
    json_begin_object(writer, NULL);
    json_write_text(writer, "timestamp", known ? at : NULL);
    json_write_text(writer, "level", level_name(log));
    json_write_text(writer, "message", line);
    json_end_object(writer);
}

/* Oldest first: the answer's order turned round. */
static const Json **oldest_first(const Json *logs, size_t *count)
{
    *count = json_count(logs);
    const Json **sorted = memory_new(*count * sizeof *sorted);
    size_t at = *count;
    for (const Json *log = json_first(logs); log; log = json_next(log)) {
        sorted[--at] = log;
    }
    return sorted;
}

/* The author's lines, in their order, once each. */
static int write_author_lines(JsonWriter *writer, const Json **logs, size_t count, int most)
{
    const char *previous = NULL;
    int written = 0;
    for (size_t i = 0; i < count && written < most; i++) {
        const char *message = json_member_text(logs[i], "message");
        if (message && message[0] && !is_engine_line(message) && !text_equal(message, previous)) {
            write_log(writer, logs[i], message);
            previous = message;
            written++;
        }
    }
    return written;
}

/* One line of what the engine says: the last of the first traceback, else of its first line. */
static int write_engine_line(JsonWriter *writer, const Json **logs, size_t count)
{
    const Json *chosen = NULL;
    for (size_t i = count; i-- > 0;) {
        const char *message = json_member_text(logs[i], "message");
        bool traced = message && strstr(message, "Traceback");
        bool keeps = chosen && strstr(json_member_text(chosen, "message"), "Traceback") && !traced;
        if (message && is_engine_line(message) && !keeps) {
            chosen = logs[i];
        }
    }
    if (!chosen) {
        return 0;
    }
    auto_free char *line = last_line(json_member_text(chosen, "message"));
    write_log(writer, chosen, line);
    return 1;
}

bool report_collect(const Json *task_runs, const Json *logs, CollectedReport *report, Error *error)
{
    if (json_type(task_runs) != JSON_ARRAY || json_type(logs) != JSON_ARRAY) {
        return error_set(error, ERROR_INVALID, "the answer is not a list");
    }
    CollectedReport collected = {0};
    const Json *task = first_failed(task_runs);
    if (task) {
        collected.task_name = task_name(task);
        const char *message = json_member_text(json_member(task, "state"), "message");
        collected.task_message = message ? text_copy_length(message, text_cut(message, MESSAGE_MAX)) : NULL;
    }
    Buffer text;
    buffer_init(&text, 6UL * REPORT_LOGS_MAX * (REPORT_LINE_MAX + 256));
    JsonWriter writer;
    json_writer_init(&writer, &text);
    json_begin_array(&writer, NULL);
    size_t count;
    auto_free const Json **sorted = oldest_first(logs, &count);
    int lines = write_author_lines(&writer, sorted, count, REPORT_LOGS_MAX - 1);
    lines += write_engine_line(&writer, sorted, count);
    json_end_array(&writer);
    collected.logs = buffer_take(&text);
    collected.complete = collected.task_name && lines > 0;
    *report = collected;
    return true;
}
