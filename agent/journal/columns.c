/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/columns.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/records.h"
#include <string.h>

static const char *const cut_names[CUTS] = {"none", "operator", "replaced", "run_timeout", "sibling", "stage_timeout"};
static const char *const phase_names[PHASES] = {"waiting",   "blocked",   "asking",  "resolving",
                                                "creating",  "searching", "looking", "watching",
                                                "reporting", "delaying",  "ended"};
static const char *const reason_column_names[REASONS] = {"none",      "failed",       "crashed",  "cancelled",
                                                         "timed_out", "not_observed", "rejected", "lost"};

#define TEXT(record, member)                                                                                           \
    {                                                                                                                  \
#member, COLUMN_TEXT, offsetof(record, member), 0, NULL, 0                                                     \
    }
#define FIXED(record, member)                                                                                          \
    {                                                                                                                  \
#member, COLUMN_FIXED, offsetof(record, member), sizeof((record *)0)->member, NULL, 0                          \
    }
#define INTEGER(record, member)                                                                                        \
    {                                                                                                                  \
#member, COLUMN_INTEGER, offsetof(record, member), 0, NULL, 0                                                  \
    }
#define INT(record, member)                                                                                            \
    {                                                                                                                  \
#member, COLUMN_INT, offsetof(record, member), 0, NULL, 0                                                      \
    }
#define BOOLEAN(record, member)                                                                                        \
    {                                                                                                                  \
#member, COLUMN_BOOLEAN, offsetof(record, member), 0, NULL, 0                                                  \
    }
#define NAME(record, member, list, count)                                                                              \
    {                                                                                                                  \
#member, COLUMN_NAME, offsetof(record, member), 0, list, count                                                 \
    }
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const Column run_columns[] = {
    FIXED(RunRecord, id),
    TEXT(RunRecord, sendpost),
    NAME(RunRecord, state, state_names, STATES),
    NAME(RunRecord, reason, reason_column_names, REASONS),
    NAME(RunRecord, trigger, trigger_names, TRIGGERS),
    INTEGER(RunRecord, for_at),
    INTEGER(RunRecord, start_at),
    INTEGER(RunRecord, created_at),
    INTEGER(RunRecord, started_at),
    INTEGER(RunRecord, ended_at),
    INTEGER(RunRecord, duration_ms),
    INTEGER(RunRecord, first_running_at),
    TEXT(RunRecord, parameters),
    TEXT(RunRecord, triggered_by),
    TEXT(RunRecord, trigger_reason),
    FIXED(RunRecord, definition_sha256),
    TEXT(RunRecord, revision),
    FIXED(RunRecord, retry_of),
    FIXED(RunRecord, retried_by),
    {"from_stage", COLUMN_TEXT, offsetof(RunRecord, from), 0, NULL, 0},
    BOOLEAN(RunRecord, admitted),
    BOOLEAN(RunRecord, waits),
    BOOLEAN(RunRecord, held),
    NAME(RunRecord, cut, cut_names, CUTS),
    INTEGER(RunRecord, held_since),
    INTEGER(RunRecord, held_ms),
    INTEGER(RunRecord, first_event),
    INTEGER(RunRecord, last_event),
};

static const Column stage_columns[] = {
    NAME(StageRecord, phase, phase_names, PHASES),
    NAME(StageRecord, state, state_names, STATES),
    NAME(StageRecord, reason, reason_column_names, REASONS),
    TEXT(StageRecord, message),
    NAME(StageRecord, cut, cut_names, CUTS),
    BOOLEAN(StageRecord, blocked),
    BOOLEAN(StageRecord, taken_over),
    TEXT(StageRecord, deployment_id),
    TEXT(StageRecord, deployment_name),
    TEXT(StageRecord, parameters),
    TEXT(StageRecord, former_flow_run),
    INTEGER(StageRecord, started_at),
    INTEGER(StageRecord, ended_at),
    INTEGER(StageRecord, retry_at),
};

static const Column attempt_columns[] = {
    NAME(AttemptRecord, state, state_names, STATES),
    NAME(AttemptRecord, reason, reason_column_names, REASONS),
    TEXT(AttemptRecord, message),
    TEXT(AttemptRecord, deployment_id),
    {"idempotency_key", COLUMN_TEXT, offsetof(AttemptRecord, key), 0, NULL, 0},
    TEXT(AttemptRecord, body),
    TEXT(AttemptRecord, flow_run_id),
    TEXT(AttemptRecord, flow_run_name),
    BOOLEAN(AttemptRecord, adopted),
    NAME(AttemptRecord, prefect_type, prefect_type_names, PREFECT_TYPES),
    TEXT(AttemptRecord, prefect_name),
    TEXT(AttemptRecord, prefect_message),
    INTEGER(AttemptRecord, prefect_timestamp),
    INTEGER(AttemptRecord, intent_at),
    INTEGER(AttemptRecord, created_at),
    INTEGER(AttemptRecord, started_at),
    INTEGER(AttemptRecord, ended_at),
    INTEGER(AttemptRecord, crash_seen_at),
    INTEGER(AttemptRecord, end_seen_at),
    INTEGER(AttemptRecord, cancel_sent_at),
    INTEGER(AttemptRecord, resume_of),
};

const Table run_table = {"run", "", 0, run_columns, COUNT(run_columns)};
const Table stage_table = {"stage", "run, node", 2, stage_columns, COUNT(stage_columns)};
const Table attempt_table = {"attempt", "run, node, number", 3, attempt_columns, COUNT(attempt_columns)};

static void list_columns(const Table *table, Buffer *sql, const char *prefix, const char *suffix)
{
    for (int i = 0; i < table->column_count; i++) {
        buffer_format(sql, "%s%s%s%s", i ? ", " : "", prefix, table->columns[i].name, suffix);
    }
}

void table_select(const Table *table, Buffer *sql)
{
    buffer_format(sql, "SELECT %s%s", table->keys, table->key_count ? ", " : "");
    list_columns(table, sql, "", "");
    buffer_format(sql, " FROM %s ", table->name);
}

void table_upsert(const Table *table, Buffer *sql)
{
    buffer_format(sql, "INSERT INTO %s(%s%s", table->name, table->keys, table->key_count ? ", " : "");
    list_columns(table, sql, "", "");
    buffer_text(sql, ") VALUES (?");
    for (int i = 1; i < table->key_count + table->column_count; i++) {
        buffer_text(sql, ", ?");
    }
    buffer_format(sql, ") ON CONFLICT(%s) DO UPDATE SET ", table->key_count ? table->keys : table->columns[0].name);
    for (int i = 0; i < table->column_count; i++) {
        buffer_format(sql, "%s%s = excluded.%s", i ? ", " : "", table->columns[i].name, table->columns[i].name);
    }
}

void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

char *column_copy(sqlite3_stmt *statement, int index)
{
    return text_copy((const char *)sqlite3_column_text(statement, index));
}

void columns_bind(sqlite3_stmt *statement, int first, const Table *table, const void *record)
{
    for (int i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        const void *member = (const char *)record + column->offset;
        int index = first + i;
        switch (column->type) {
        case COLUMN_TEXT:
            bind_text(statement, index, *(char *const *)member);
            break;
        case COLUMN_FIXED:
            bind_text(statement, index, member);
            break;
        case COLUMN_INTEGER:
            sqlite3_bind_int64(statement, index, *(const int64_t *)member);
            break;
        case COLUMN_INT:
            sqlite3_bind_int(statement, index, *(const int *)member);
            break;
        case COLUMN_BOOLEAN:
            sqlite3_bind_int(statement, index, *(const bool *)member);
            break;
        case COLUMN_NAME:
            bind_text(statement, index, column->names[*(const int *)member]);
            break;
        }
    }
}

static bool read_fixed(const Column *column, const char *text, char *member)
{
    size_t length = text ? strlen(text) : 0;
    if (length >= column->size) {
        return false;
    }
    memcpy(member, text ? text : "", length + 1);
    return true;
}

static bool column_read(sqlite3_stmt *statement, int index, const Column *column, void *member)
{
    const char *text;
    switch (column->type) {
    case COLUMN_TEXT:
        *(char **)member = column_copy(statement, index);
        return true;
    case COLUMN_FIXED:
        text = (const char *)sqlite3_column_text(statement, index);
        return read_fixed(column, text, member);
    case COLUMN_INTEGER:
        *(int64_t *)member = sqlite3_column_int64(statement, index);
        return true;
    case COLUMN_INT:
        *(int *)member = sqlite3_column_int(statement, index);
        return true;
    case COLUMN_BOOLEAN:
        *(bool *)member = sqlite3_column_int(statement, index) != 0;
        return true;
    case COLUMN_NAME:
        text = (const char *)sqlite3_column_text(statement, index);
        *(int *)member = name_index(column->names, column->name_count, text);
        return *(int *)member >= 0;
    }
    return false;
}

bool columns_read(sqlite3_stmt *statement, int first, const Table *table, void *record)
{
    bool good = true;
    for (int i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        good = column_read(statement, first + i, column, (char *)record + column->offset) && good;
    }
    return good;
}
