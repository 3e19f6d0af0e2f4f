/* SPDX-License-Identifier: Apache-2.0 */
/* The list of runs, newest first. Each state is asked for by itself: there is an index for each way, so that a page
 * costs the same however long the history is. */
#include "base/memory.h"
#include "journal/store.h"

enum { QUERY_MAX = 16384 };

/* state NULL: of any. */
static void select_text(const RunQuery *query, const char *state, Buffer *sql)
{
    table_select(&run_table, sql);
    buffer_text(sql, "WHERE created_at >= ?1");
    buffer_text(sql, query->sendpost ? " AND sendpost = ?2" : "");
    buffer_text(sql, query->before_id ? " AND (created_at, id) < (?3, ?4)" : "");
    if (state) {
        bool ended = state_is_end((State)name_index(state_names, STATES, state));
        buffer_format(sql, " AND state = '%s' AND %s", state, ended ? "ended_at > 0" : "ended_at = 0");
    }
    buffer_text(sql, " ORDER BY created_at DESC, id DESC LIMIT ?5");
}

static void query_text(const RunQuery *query, Buffer *sql)
{
    if (query->state_count == 0) {
        select_text(query, NULL, sql);
        return;
    }
    for (size_t i = 0; i < query->state_count; i++) {
        buffer_text(sql, i ? " UNION ALL SELECT * FROM (" : "SELECT * FROM (SELECT * FROM (");
        select_text(query, query->states[i], sql);
        buffer_char(sql, ')');
    }
    buffer_text(sql, ") ORDER BY created_at DESC, id DESC LIMIT ?5");
}

static void query_bind(sqlite3_stmt *statement, const RunQuery *query)
{
    sqlite3_bind_int64(statement, 1, query->since_ms);
    bind_text(statement, 2, query->sendpost);
    sqlite3_bind_int64(statement, 3, query->before_created_at);
    bind_text(statement, 4, query->before_id);
    sqlite3_bind_int64(statement, 5, (int64_t)query->limit);
}

static void runs_free(RunRecord *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run_record_release(&runs[i]);
    }
    free(runs);
}

bool journal_list_runs(Journal *journal, const RunQuery *query, RunRecord **runs, size_t *count, Error *error)
{
    auto_buffer sql;
    buffer_init(&sql, QUERY_MAX);
    query_text(query, &sql);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(journal->database, sql.bytes, -1, &statement, NULL) != SQLITE_OK) {
        return store_error(journal, error);
    }
    query_bind(statement, query);
    RunRecord *found = NULL;
    size_t found_count = 0, capacity = 0;
    Error failed = {0};
    while (store_row(journal, statement, &failed)) {
        RunRecord run = {0};
        columns_read(statement, 0, &run_table, &run);
        array_push(found, found_count, capacity) = run;
    }
    sqlite3_finalize(statement);
    for (size_t i = 0; failed.kind == ERROR_NONE && i < found_count; i++) {
        load_failure(journal, &found[i], &failed);
    }
    if (failed.kind != ERROR_NONE) {
        runs_free(found, found_count);
        return error_set(error, failed.kind, "%s", failed.text);
    }
    *runs = found;
    *count = found_count;
    return true;
}
