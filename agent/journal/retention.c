/* SPDX-License-Identifier: Apache-2.0 */
/* What is old goes, a bounded number of rows in each turn, found by indexes: the loop is not held. */
#include "base/limits.h"
#include "base/memory.h"
#include "journal/store.h"

static bool delete_run(Journal *journal, const char *id, Error *error)
{
    static const StatementName names[] = {STATEMENT_DELETE_ATTEMPTS, STATEMENT_DELETE_STAGES, STATEMENT_DELETE_FAILURE,
                                          STATEMENT_DELETE_RUN};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sqlite3_stmt *statement = store_statement(journal, names[i]);
        bind_text(statement, 1, id);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool retain_runs(Journal *journal, int64_t before_ms, bool *more, Error *error)
{
    auto_free char(*ids)[UUID_SIZE] = memory_new(sizeof(char[RETENTION_RUNS][UUID_SIZE]));
    size_t count = 0;
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_OLD_RUNS);
    sqlite3_bind_int64(statement, 1, before_ms);
    sqlite3_bind_int(statement, 2, RETENTION_RUNS);
    while (store_row(journal, statement, &failed)) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        sqlite3_snprintf(UUID_SIZE, ids[count++], "%s", id);
    }
    bool good = failed.kind == ERROR_NONE;
    for (size_t i = 0; good && i < count; i++) {
        good = delete_run(journal, ids[i], &failed);
    }
    *more = *more || count == RETENTION_RUNS;
    return good || error_set(error, failed.kind, "%s", failed.text);
}

static bool delete_before(Journal *journal, StatementName name, int64_t before_ms, bool *more, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, name);
    sqlite3_bind_int64(statement, 1, before_ms);
    sqlite3_bind_int(statement, 2, RETENTION_ROWS);
    bool done = store_run(journal, statement, error);
    *more = *more || (done && sqlite3_changes(journal->database) == RETENTION_ROWS);
    return done;
}

/* Those that no file and no run has, some at a time, in the order of their digests. */
static bool retain_definitions(Journal *journal, bool *more, Error *error)
{
    static const char behind_all[] = "~";
    char last[DIGEST_HEX_SIZE];
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_SOME_DEFINITIONS);
    bind_text(statement, 1, journal->retained);
    sqlite3_bind_int(statement, 2, RETENTION_DEFINITIONS - 1);
    bool rest = store_row(journal, statement, &failed);
    if (failed.kind != ERROR_NONE) {
        return error_set(error, failed.kind, "%s", failed.text);
    }
    sqlite3_snprintf(DIGEST_HEX_SIZE, last, "%s", rest ? (const char *)sqlite3_column_text(statement, 0) : behind_all);
    sqlite3_reset(statement);
    statement = store_statement(journal, STATEMENT_OLD_DEFINITIONS);
    bind_text(statement, 1, journal->retained);
    bind_text(statement, 2, last);
    if (!store_run(journal, statement, error)) {
        return false;
    }
    sqlite3_snprintf(DIGEST_HEX_SIZE, journal->retained, "%s", rest ? last : "");
    *more = rest;
    return true;
}

bool journal_retain(Journal *journal, int64_t ended_before_ms, int64_t keys_before_ms, bool *more, Error *error)
{
    double began = store_seconds();
    bool rest = false;
    bool written = store_run(journal, store_statement(journal, STATEMENT_BEGIN), error) &&
                   retain_runs(journal, ended_before_ms, &rest, error) &&
                   delete_before(journal, STATEMENT_OLD_EVENTS, ended_before_ms, &rest, error) &&
                   delete_before(journal, STATEMENT_OLD_KEYS, keys_before_ms, &rest, error) &&
                   delete_before(journal, STATEMENT_OLD_AUDIT, ended_before_ms, &rest, error) &&
                   (rest || retain_definitions(journal, &rest, error));
    if (!store_commit(journal, written, began, error)) {
        return false;
    }
    *more = rest;
    return true;
}
