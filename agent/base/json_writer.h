/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON into a Buffer, value by value; commas and escapes are put where they belong. Bytes that are not UTF-8
 * become U+FFFD. A name of NULL writes an array element (or the top value). */
#ifndef SENDPOST_BASE_JSON_WRITER_H
#define SENDPOST_BASE_JSON_WRITER_H

#include "base/buffer.h"
#include <stdint.h>

typedef struct JsonWriter {
    Buffer *out;
    bool comma;    /* a value stands before the next one at this level */
    bool indented; /* one member a line, for people; else compact */
    int depth;
} JsonWriter;

void json_writer_init(JsonWriter *writer, Buffer *out);
void json_writer_init_indented(JsonWriter *writer, Buffer *out);
void json_begin_object(JsonWriter *writer, const char *name);
void json_end_object(JsonWriter *writer);
void json_begin_array(JsonWriter *writer, const char *name);
void json_end_array(JsonWriter *writer);
void json_write_text(JsonWriter *writer, const char *name, const char *text); /* NULL writes null */
void json_write_integer(JsonWriter *writer, const char *name, int64_t value);
void json_write_number(JsonWriter *writer, const char *name,
                       double value); /* finite; shortest form that reads back equal */
void json_write_boolean(JsonWriter *writer, const char *name, bool value);
void json_write_null(JsonWriter *writer, const char *name);
void json_write_raw(JsonWriter *writer, const char *name, const char *json); /* already JSON; NULL writes null */

#endif
