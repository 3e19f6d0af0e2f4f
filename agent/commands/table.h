/* SPDX-License-Identifier: Apache-2.0 */
/* Text in columns for people: as wide as their widest cell. */
#ifndef SENDPOST_COMMANDS_TABLE_H
#define SENDPOST_COMMANDS_TABLE_H

#include "base/buffer.h"
#include "base/json.h"
#include <stdint.h>

enum { TABLE_COLUMNS_MAX = 8 };

typedef struct TextTable {
    size_t columns;
    char **cells; /* row by row */
    size_t count, capacity;
} TextTable;

/* The first row is the heading. Cells are copied; NULL is "-". */
void table_add_row(TextTable *table, size_t columns, const char *const *cells);
void table_print(const TextTable *table, Buffer *out);
void table_release(TextTable *table);

/* "1 run", "2 runs". */
void print_count(Buffer *out, int64_t count, const char *one, const char *several);

/* A member's text; "-" when it has none. */
const char *shown_text(const Json *object, const char *name);

/* How people read them: a duration of a JSON number of seconds ("1m 30s"), a time less its milliseconds; "-" for null.
 * New texts. */
char *shown_duration(const Json *seconds);
char *shown_seconds(double value);
char *shown_time(const Json *time);

#endif
