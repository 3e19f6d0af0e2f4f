/* SPDX-License-Identifier: Apache-2.0 */
/* The open database and its statements; only journal/ includes it. */
#ifndef SENDPOST_JOURNAL_STORE_H
#define SENDPOST_JOURNAL_STORE_H

#include "journal/columns.h"
#include "journal/journal.h"

typedef enum StatementName {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_PUT_RUN,
    STATEMENT_PUT_RETRY,
    STATEMENT_PUT_STAGE,
    STATEMENT_PUT_ATTEMPT,
    STATEMENT_PUT_FAILURE,
    STATEMENT_PUT_EVENT,
    STATEMENT_PUT_TICK,
    STATEMENT_PUT_KEY,
    STATEMENT_PUT_DEFINITION,
    STATEMENT_PUT_FILE,
    STATEMENT_DELETE_FILE,
    STATEMENT_PUT_TOTALS,
    STATEMENT_PUT_AUDIT,
    STATEMENT_PROBE,
    STATEMENT_PUT_FACT,
    STATEMENT_FACT,
    STATEMENT_UNFINISHED_RUNS,
    STATEMENT_RUN,
    STATEMENT_STAGES,
    STATEMENT_ATTEMPTS,
    STATEMENT_FAILURE,
    STATEMENT_DEFINITION,
    STATEMENT_FILES,
    STATEMENT_TOTALS,
    STATEMENT_LAST_EVENT,
    STATEMENT_EVENT,
    STATEMENT_EVENTS,
    STATEMENT_KEY,
    STATEMENT_TICKS,
    STATEMENT_OLD_RUNS,
    STATEMENT_DELETE_ATTEMPTS,
    STATEMENT_DELETE_STAGES,
    STATEMENT_DELETE_FAILURE,
    STATEMENT_DELETE_RUN,
    STATEMENT_OLD_EVENTS,
    STATEMENT_OLD_KEYS,
    STATEMENT_OLD_AUDIT,
    STATEMENT_SOME_DEFINITIONS,
    STATEMENT_OLD_DEFINITIONS,
    STATEMENT_PUT_TAIL,
    STATEMENT_PUT_SEEN,
    STATEMENT_DELETE_SEEN,
    STATEMENT_PUT_ENDED,
    STATEMENT_DELETE_ENDED,
    STATEMENT_TAILS,
    STATEMENT_SEEN,
    STATEMENT_ENDED,
    STATEMENTS
} StatementName;

typedef struct Audit {
    int64_t at;
    char *who, *what, *run_id;
    int status;
} Audit;

struct Journal {
    char *path;
    int lock;
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    Audit *audits; /* for the next commit */
    size_t audit_count, audit_capacity;
    char *applied;                  /* the revision that was wholly in force last; NULL: none ever was */
    bool applied_newer;             /* than what the database has: for the next commit */
    char retained[DIGEST_HEX_SIZE]; /* the last definition that was looked at for being old; "": none */
    JournalStatistics statistics;
};

/* Opens the database file, checks it, brings it up to date. ERROR_DAMAGED: it is to be moved aside. */
bool store_open(Journal *journal, Error *error);
/* Whether its path is a whole journal of a version that is known; opened for reading only, and closed. */
bool store_check(Journal *journal, Error *error);
bool store_close(Journal *journal); /* false: not as it should be: its -wal stays */

/* The prepared statement, reset and without bindings. */
sqlite3_stmt *store_statement(Journal *journal, StatementName name);
/* Steps a statement that returns nothing, and resets it. */
bool store_run(Journal *journal, sqlite3_stmt *statement, Error *error);
/* The next row: true. False at the end, or with an error set. */
bool store_row(Journal *journal, sqlite3_stmt *statement, Error *error);
bool store_error(Journal *journal, Error *error); /* sets what SQLite says; false */
void store_rollback(Journal *journal);

/* commit.c: ends the transaction that was begun at that time; rolled back when it was not `written`, or cannot be. */
bool store_commit(Journal *journal, bool written, double began, Error *error);
double store_seconds(void);

/* facts.c. find: *value is new text, NULL when there is none. put: in a transaction of its own. */
bool fact_find(Journal *journal, const char *name, char **value, Error *error);
bool fact_put(Journal *journal, const char *name, const char *value, Error *error);
bool facts_load(Journal *journal, Error *error); /* those that the journal itself holds */
bool facts_put(Journal *journal, Error *error);  /* within a commit: what of these is newer than in the database */

/* A failure's columns are the run, then these. */
void failure_bind(sqlite3_stmt *statement, const char *run_id, const Failure *failure);
Failure *failure_read(sqlite3_stmt *statement);
bool load_failure(Journal *journal, RunRecord *run, Error *error); /* of a run, if it has one */

/* totals_text.c: numbers as JSON */
char *sendpost_totals_text(const Sendpost *sendpost);
/* Fills totals and marks. */
bool sendpost_totals_parse(const char *text, SendpostHistory *history, char last_run[UUID_SIZE],
                           char last_failed[UUID_SIZE]);
char *stage_totals_text(const StageTotals *totals);
bool stage_totals_parse(const char *text, StageTotals *totals);
char *agent_totals_text(const AgentTotals *totals);
bool agent_totals_parse(const char *text, AgentTotals *totals);
char *end_totals_text(const EndTotals *totals);
bool end_totals_parse(const char *text, EndTotals *totals);

#endif
