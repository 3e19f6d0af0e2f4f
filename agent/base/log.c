/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/buffer.h"
#include "base/json_writer.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 1 << 20, LOG_VALUE_MAX = 2048 }; /* room for 80 values of escapes alone: no line is cut */

const char *const log_level_names[LOG_LEVELS] = {"debug", "info", "warn", "error"};

static LogLevel least = LOG_INFO;
static LogFormat format = LOG_LOGFMT;
static uint64_t counts[LOG_LEVELS];

void log_configure(LogLevel level, LogFormat wanted)
{
    least = level;
    format = wanted != LOG_AUTO ? wanted : isatty(STDERR_FILENO) ? LOG_LOGFMT : LOG_JSON;
}

uint64_t log_count(LogLevel level)
{
    return counts[level];
}

static void write_time(char text[32])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, 32 - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static bool is_bare(const char *value)
{
    for (const char *at = value; *at; at++) {
        if (*at <= ' ' || *at == '"' || *at == '=' || *at == '\\' || *at == 0x7F) {
            return false;
        }
    }
    return *value != '\0';
}

/* As a member of a JSON object, or as key=value with spaces of the key made underscores. */
static void write_pair(JsonWriter *writer, const char *key, const char *value)
{
    char cut[LOG_VALUE_MAX + 1];
    size_t length = text_cut(value, LOG_VALUE_MAX);
    memcpy(cut, value, length);
    cut[length] = '\0';
    if (format == LOG_JSON) {
        json_write_text(writer, key, cut);
        return;
    }
    if (writer->out->length) {
        buffer_char(writer->out, ' ');
    }
    for (const char *at = key; *at; at++) {
        buffer_char(writer->out, *at == ' ' ? '_' : *at);
    }
    buffer_char(writer->out, '=');
    if (is_bare(cut)) {
        buffer_text(writer->out, cut);
    } else {
        writer->comma = false;
        json_write_text(writer, NULL, cut);
    }
}

static void write_line(LogLevel level, const char *message, va_list pairs, Buffer *line)
{
    char now[32];
    write_time(now);
    JsonWriter writer;
    json_writer_init(&writer, line);
    if (format == LOG_JSON) {
        json_begin_object(&writer, NULL);
    }
    write_pair(&writer, "time", now);
    write_pair(&writer, "level", log_level_names[level]);
    write_pair(&writer, "message", message);
    for (const char *key = va_arg(pairs, const char *); key; key = va_arg(pairs, const char *)) {
        const char *value = va_arg(pairs, const char *);
        if (value) {
            write_pair(&writer, key, value);
        }
    }
    if (format == LOG_JSON) {
        json_end_object(&writer);
    }
    buffer_char(line, '\n');
}

void log_line(LogLevel level, const char *message, ...)
{
    counts[level]++;
    if (level < least) {
        return;
    }
    auto_buffer line;
    buffer_init(&line, LOG_LINE_MAX);
    va_list pairs;
    va_start(pairs, message);
    write_line(level, message, pairs, &line);
    va_end(pairs);
    /* A log that cannot be written has nobody to be told to. */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.length);
    (void)written;
}
