/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_writer.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_writer_init(JsonWriter *writer, Buffer *out)
{
    *writer = (JsonWriter){.out = out};
}

void json_writer_init_indented(JsonWriter *writer, Buffer *out)
{
    *writer = (JsonWriter){.out = out, .indented = true};
}

static void write_escape(Buffer *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c == '"' || c == '\\') {
        buffer_append(out, (char[]){'\\', (char)c}, 2);
    } else if (shorts[c]) {
        buffer_append(out, (char[]){'\\', shorts[c]}, 2);
    } else {
        buffer_append(out, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
    }
}

/* Bytes of the character at text, which is not ASCII; 0 when it is none. */
static size_t character_length(const char *text, size_t length)
{
    for (size_t size = 2; size <= 4 && size <= length; size++) {
        if (text_is_utf8(text, size)) {
            return size;
        }
    }
    return 0;
}

static void write_string(Buffer *out, const char *text)
{
    size_t length = strlen(text);
    bool valid = text_is_utf8(text, length);
    buffer_char(out, '"');
    size_t plain = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t whole = valid || c < 0x80 ? 1 : character_length(text + i, length - i);
        if (whole && c >= 0x20 && c != '"' && c != '\\') {
            i += whole - 1;
            continue;
        }
        buffer_append(out, text + plain, i - plain);
        plain = i + 1;
        if (!whole) {
            buffer_text(out, "\xEF\xBF\xBD");
        } else {
            write_escape(out, c);
        }
    }
    buffer_append(out, text + plain, length - plain);
    buffer_char(out, '"');
}

static void begin_line(JsonWriter *writer)
{
    if (writer->indented) {
        buffer_format(writer->out, "\n%*s", writer->depth * 2, "");
    }
}

static void begin_value(JsonWriter *writer, const char *name)
{
    if (writer->comma) {
        buffer_char(writer->out, ',');
    }
    if (writer->depth > 0) {
        begin_line(writer);
    }
    writer->comma = true;
    if (name) {
        write_string(writer->out, name);
        buffer_text(writer->out, writer->indented ? ": " : ":");
    }
}

static void begin_collection(JsonWriter *writer, const char *name, char bracket)
{
    begin_value(writer, name);
    buffer_char(writer->out, bracket);
    writer->comma = false;
    writer->depth++;
}

static void end_collection(JsonWriter *writer, char bracket)
{
    writer->depth--;
    if (writer->comma) {
        begin_line(writer);
    }
    buffer_char(writer->out, bracket);
    writer->comma = true;
}

void json_begin_object(JsonWriter *writer, const char *name)
{
    begin_collection(writer, name, '{');
}

void json_end_object(JsonWriter *writer)
{
    end_collection(writer, '}');
}

void json_begin_array(JsonWriter *writer, const char *name)
{
    begin_collection(writer, name, '[');
}

void json_end_array(JsonWriter *writer)
{
    end_collection(writer, ']');
}

void json_write_text(JsonWriter *writer, const char *name, const char *text)
{
    begin_value(writer, name);
    if (text) {
        write_string(writer->out, text);
    } else {
        buffer_text(writer->out, "null");
    }
}

void json_write_integer(JsonWriter *writer, const char *name, int64_t value)
{
    begin_value(writer, name);
    if (value < 0) {
        buffer_char(writer->out, '-');
    }
    buffer_unsigned(writer->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_write_number(JsonWriter *writer, const char *name, double value)
{
    begin_value(writer, name);
    if (!isfinite(value)) {
        buffer_text(writer->out, "null");
        return;
    }
    char text[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buffer_text(writer->out, text);
}

void json_write_boolean(JsonWriter *writer, const char *name, bool value)
{
    begin_value(writer, name);
    buffer_text(writer->out, value ? "true" : "false");
}

void json_write_null(JsonWriter *writer, const char *name)
{
    json_write_raw(writer, name, NULL);
}

void json_write_raw(JsonWriter *writer, const char *name, const char *json)
{
    begin_value(writer, name);
    buffer_text(writer->out, json ? json : "null");
}
