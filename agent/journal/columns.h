/* SPDX-License-Identifier: Apache-2.0 */
/* Records as rows: each member of a record is declared once with its column; the SQL, the binding and the reading
 * follow. Enumerations are stored by name, so that a journal can be read by people and outlives a change of numbers. */
#ifndef SENDPOST_JOURNAL_COLUMNS_H
#define SENDPOST_JOURNAL_COLUMNS_H

#include "base/buffer.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum ColumnType {
    COLUMN_TEXT,    /* char *; NULL is NULL */
    COLUMN_FIXED,   /* char[size]; "" is "" */
    COLUMN_INTEGER, /* int64_t */
    COLUMN_INT,     /* int */
    COLUMN_BOOLEAN, /* bool */
    COLUMN_NAME     /* an enumeration by its names */
} ColumnType;

typedef struct Column {
    const char *name;
    ColumnType type;
    size_t offset, size;
    const char *const *names;
    int name_count;
} Column;

typedef struct Table {
    const char *name;
    const char *keys; /* columns before those of the record, also the primary key: "run, node" */
    int key_count;
    const Column *columns;
    int column_count;
} Table;

extern const Table run_table, stage_table, attempt_table;

/* "SELECT keys, columns FROM table" (by name: migrations add columns at the end) and an upsert with parameters for the
 * keys, then the columns. */
void table_select(const Table *table, Buffer *sql);
void table_upsert(const Table *table, Buffer *sql);

void columns_bind(sqlite3_stmt *statement, int first, const Table *table, const void *record);
/* Into a zeroed record, from the row's column `first` on: texts are new. False when a name is not known. */
bool columns_read(sqlite3_stmt *statement, int first, const Table *table, void *record);

void bind_text(sqlite3_stmt *statement, int index, const char *text); /* borrowed until the statement is reset */
char *column_copy(sqlite3_stmt *statement, int index);                /* new; NULL is NULL */

#endif
