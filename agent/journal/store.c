/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/store.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/schema.h"
#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 4096 };

static const char *const texts[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_PUT_FAILURE] = "INSERT OR REPLACE INTO failure VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_PUT_EVENT] = "INSERT INTO event VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_PUT_TICK] = "INSERT OR REPLACE INTO tick VALUES(?, ?, ?, ?, ?)",
    [STATEMENT_PUT_RETRY] = "UPDATE run SET retried_by = ? WHERE id = ?",
    [STATEMENT_PUT_KEY] = "INSERT OR REPLACE INTO request_key VALUES(?, ?, ?, ?, ?)",
    [STATEMENT_PUT_DEFINITION] = "INSERT OR IGNORE INTO definition VALUES(?, ?)",
    [STATEMENT_PUT_FILE] = "INSERT OR REPLACE INTO definition_file VALUES(?, ?, ?)",
    [STATEMENT_DELETE_FILE] = "DELETE FROM definition_file WHERE file = ?",
    [STATEMENT_PUT_TOTALS] = "INSERT OR REPLACE INTO totals VALUES(?, ?, ?, ?)",
    [STATEMENT_PUT_AUDIT] = "INSERT INTO audit VALUES(?, ?, ?, ?, ?)",
    [STATEMENT_PROBE] = "INSERT OR REPLACE INTO probe VALUES(1, ?)",
    [STATEMENT_PUT_FACT] = "INSERT OR REPLACE INTO fact VALUES(?, ?)",
    [STATEMENT_FACT] = "SELECT value FROM fact WHERE name = ?",
    [STATEMENT_FAILURE] = "SELECT stage, reason, message, task_name, task_message, logs, flow_run_id, flow_run_url"
                          " FROM failure WHERE run = ?",
    [STATEMENT_DEFINITION] = "SELECT text FROM definition WHERE sha256 = ?",
    [STATEMENT_FILES] = "SELECT file, text, revision FROM definition_file JOIN definition USING (sha256) ORDER BY file",
    [STATEMENT_TOTALS] = "SELECT kind, name, path, numbers FROM totals ORDER BY kind, name, path",
    [STATEMENT_LAST_EVENT] = "SELECT ifnull(max(id), 0) FROM event",
    [STATEMENT_EVENT] = "SELECT 1 FROM event WHERE id = ?",
    [STATEMENT_EVENTS] = "SELECT id, type, at, sendpost, run, stage, from_state, to_state, reason FROM event"
                         " WHERE id > ? ORDER BY id LIMIT ?",
    [STATEMENT_KEY] = "SELECT run, digest FROM request_key WHERE sendpost = ? AND key = ? AND at > ?",
    [STATEMENT_TICKS] = "SELECT at, verdict, run FROM tick WHERE sendpost = ? ORDER BY at DESC LIMIT ?",
    [STATEMENT_OLD_RUNS] = "SELECT id FROM run WHERE ended_at > 0 AND ended_at < ? LIMIT ?",
    [STATEMENT_DELETE_ATTEMPTS] = "DELETE FROM attempt WHERE run = ?",
    [STATEMENT_DELETE_STAGES] = "DELETE FROM stage WHERE run = ?",
    [STATEMENT_DELETE_FAILURE] = "DELETE FROM failure WHERE run = ?",
    [STATEMENT_DELETE_RUN] = "DELETE FROM run WHERE id = ?",
    /* Only the first ones by id are looked at: times have no index. The last id stays, as ids go on from it. */
    [STATEMENT_OLD_EVENTS] = "DELETE FROM event WHERE at < ?1 AND id IN"
                             " (SELECT id FROM event WHERE id < (SELECT max(id) FROM event) ORDER BY id LIMIT ?2)",
    [STATEMENT_OLD_KEYS] = "DELETE FROM request_key WHERE (sendpost, key) IN"
                           " (SELECT sendpost, key FROM request_key WHERE at < ? LIMIT ?)",
    [STATEMENT_OLD_AUDIT] = "DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE at < ? LIMIT ?)",
    [STATEMENT_SOME_DEFINITIONS] = "SELECT sha256 FROM definition WHERE sha256 > ? ORDER BY sha256 LIMIT 1 OFFSET ?",
    [STATEMENT_OLD_DEFINITIONS] =
        "DELETE FROM definition WHERE sha256 > ? AND sha256 <= ?"
        " AND NOT EXISTS (SELECT 1 FROM definition_file WHERE definition_file.sha256 = definition.sha256)"
        " AND NOT EXISTS (SELECT 1 FROM run WHERE ended_at > 0 AND definition_sha256 = definition.sha256)"
        " AND NOT EXISTS (SELECT 1 FROM run WHERE ended_at = 0 AND definition_sha256 = definition.sha256)",
    [STATEMENT_PUT_TAIL] = "INSERT OR REPLACE INTO inventory_tail VALUES(?, ?, ?)",
    [STATEMENT_PUT_SEEN] = "INSERT OR REPLACE INTO inventory_seen VALUES(?, ?, ?)",
    [STATEMENT_DELETE_SEEN] = "DELETE FROM inventory_seen WHERE tail = ? AND ended_at <= ?",
    [STATEMENT_PUT_ENDED] = "INSERT OR REPLACE INTO inventory_totals VALUES(?, ?)",
    [STATEMENT_DELETE_ENDED] = "DELETE FROM inventory_totals WHERE deployment = ?",
    [STATEMENT_TAILS] = "SELECT tail, begin, cursor FROM inventory_tail",
    [STATEMENT_SEEN] = "SELECT tail, flow_run, ended_at FROM inventory_seen",
    [STATEMENT_ENDED] = "SELECT deployment, numbers FROM inventory_totals",
};

/* Those that follow from the tables of columns. */
static void statement_text(StatementName name, Buffer *sql)
{
    switch (name) {
    case STATEMENT_PUT_RUN:
        table_upsert(&run_table, sql);
        break;
    case STATEMENT_PUT_STAGE:
        table_upsert(&stage_table, sql);
        break;
    case STATEMENT_PUT_ATTEMPT:
        table_upsert(&attempt_table, sql);
        break;
    case STATEMENT_UNFINISHED_RUNS:
        table_select(&run_table, sql);
        buffer_text(sql, "WHERE ended_at = 0 ORDER BY created_at, for_at, id");
        break;
    case STATEMENT_RUN:
        table_select(&run_table, sql);
        buffer_text(sql, "WHERE id = ?");
        break;
    case STATEMENT_STAGES:
        table_select(&stage_table, sql);
        buffer_text(sql, "WHERE run = ? ORDER BY node");
        break;
    case STATEMENT_ATTEMPTS:
        table_select(&attempt_table, sql);
        buffer_text(sql, "WHERE run = ? ORDER BY node, number");
        break;
    default:
        buffer_text(sql, texts[name]);
        break;
    }
}

bool store_error(Journal *journal, Error *error)
{
    int code = sqlite3_extended_errcode(journal->database);
    bool damaged = (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
    /* After a failed fsync the system may drop the pages and call the next one a success. */
    bool lost = code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
    if (lost) {
        sqlite3_db_config(journal->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return error_set(error,
                     damaged ? ERROR_DAMAGED
                     : lost  ? ERROR_LOST
                             : ERROR_IO,
                     "journal %s: %s%s", journal->path, sqlite3_errmsg(journal->database),
                     lost ? " (fsync failed)" : "");
}

sqlite3_stmt *store_statement(Journal *journal, StatementName name)
{
    sqlite3_stmt **statement = &journal->statements[name];
    invariant(*statement);
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return *statement;
}

bool store_run(Journal *journal, sqlite3_stmt *statement, Error *error)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done) {
        store_error(journal, error);
    }
    sqlite3_reset(statement);
    return done;
}

bool store_row(Journal *journal, sqlite3_stmt *statement, Error *error)
{
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        store_error(journal, error);
    }
    if (result != SQLITE_ROW) {
        sqlite3_reset(statement);
    }
    return result == SQLITE_ROW;
}

/* FULL, IOERR and NOMEM may have rolled back on their own. */
void store_rollback(Journal *journal)
{
    if (!sqlite3_get_autocommit(journal->database)) {
        store_run(journal, store_statement(journal, STATEMENT_ROLLBACK), NULL);
    }
}

static bool execute(Journal *journal, const char *sql, Error *error)
{
    return sqlite3_exec(journal->database, sql, NULL, NULL, NULL) == SQLITE_OK || store_error(journal, error);
}

static int take_text(void *user, int count, char **values, char **names)
{
    (void)count, (void)names;
    text_replace(user, values[0]);
    return 0;
}

static bool pragma_integer(Journal *journal, const char *sql, int *value, Error *error)
{
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(journal->database, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (good) {
        *value = sqlite3_column_int(statement, 0);
    } else {
        store_error(journal, error);
    }
    sqlite3_finalize(statement);
    return good;
}

static bool quick_check(Journal *journal, Error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(journal->database, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK) {
        return store_error(journal, error);
    }
    bool row = sqlite3_step(statement) == SQLITE_ROW;
    const char *result = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool good = text_equal(result, "ok");
    if (!row) {
        store_error(journal, error);
    } else if (!good) {
        error_set(error, ERROR_DAMAGED, "journal %s: %s", journal->path, result ? result : "quick_check failed");
    }
    sqlite3_finalize(statement);
    return good;
}

/* The new tables go to the main file at once: a journal whose -wal gets lost is then an old one, not an empty one. */
static bool migrate(Journal *journal, int version, Error *error)
{
    bool changes = version < SCHEMA_VERSION;
    for (; version < SCHEMA_VERSION; version++) {
        auto_free char *sql =
            text_format("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                        schema_migrations[version], APPLICATION_ID, version + 1);
        if (!execute(journal, sql, error)) {
            sqlite3_exec(journal->database, "ROLLBACK", NULL, NULL, NULL);
            return false;
        }
    }
    return !changes || execute(journal, "PRAGMA wal_checkpoint(TRUNCATE)", error);
}

/* Before anything is written to it: it may be somebody else's. */
static bool identify(Journal *journal, int *version, Error *error)
{
    int application = 0, tables = 0;
    if (!pragma_integer(journal, "PRAGMA user_version", version, error) ||
        !pragma_integer(journal, "PRAGMA application_id", &application, error) ||
        !pragma_integer(journal, "SELECT count(*) FROM sqlite_schema", &tables, error)) {
        return false;
    }
    if (application != APPLICATION_ID && (*version != 0 || tables != 0)) {
        return error_set(error, ERROR_CONFLICT, "%s is not a journal of sendpost", journal->path);
    }
    if (*version > SCHEMA_VERSION) {
        return error_set(error, ERROR_CONFLICT,
                         "journal %s was written by a newer sendpost (version %d, this one knows %d)", journal->path,
                         *version, SCHEMA_VERSION);
    }
    return true;
}

static bool set_up(Journal *journal, Error *error)
{
    static const char settings[] = "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0;"
                                   "PRAGMA journal_size_limit = 16777216; PRAGMA wal_autocheckpoint = 400;"
                                   "PRAGMA cache_size = -2000; PRAGMA trusted_schema = OFF";
    char *mode = NULL;
    if (sqlite3_exec(journal->database, "PRAGMA journal_mode = WAL", take_text, &mode, NULL) != SQLITE_OK) {
        free(mode);
        return store_error(journal, error);
    }
    bool wal = text_equal(mode, "wal");
    free(mode);
    return wal ? execute(journal, settings, error)
               : error_set(error, ERROR_IO, "journal %s: the file system cannot share memory, which WAL needs",
                           journal->path);
}

static bool prepare_all(Journal *journal, Error *error)
{
    for (int i = 0; i < STATEMENTS; i++) {
        auto_buffer sql;
        buffer_init(&sql, SQL_MAX);
        statement_text((StatementName)i, &sql);
        if (sqlite3_prepare_v3(journal->database, sql.bytes, -1, SQLITE_PREPARE_PERSISTENT, &journal->statements[i],
                               NULL) != SQLITE_OK) {
            return store_error(journal, error);
        }
    }
    return true;
}

bool store_open(Journal *journal, Error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(journal->path, &journal->database, flags, NULL) != SQLITE_OK) {
        return store_error(journal, error);
    }
    int version = 0;
    return identify(journal, &version, error) && set_up(journal, error) && quick_check(journal, error) &&
           migrate(journal, version, error) && prepare_all(journal, error);
}

static bool is_begun(const Journal *journal, int version, Error *error)
{
    return version > 0 || error_set(error, ERROR_DAMAGED, "journal %s: there is nothing in it", journal->path);
}

bool store_check(Journal *journal, Error *error)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, version = 0;
    bool opened = sqlite3_open_v2(journal->path, &journal->database, flags, NULL) == SQLITE_OK;
    bool whole =
        opened ? identify(journal, &version, error) && is_begun(journal, version, error) && quick_check(journal, error)
               : store_error(journal, error);
    store_close(journal);
    return whole;
}

bool store_close(Journal *journal)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(journal->statements[i]);
        journal->statements[i] = NULL;
    }
    bool closed = sqlite3_close(journal->database) == SQLITE_OK;
    journal->database = NULL;
    return closed;
}
