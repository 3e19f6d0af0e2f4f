/* SPDX-License-Identifier: Apache-2.0 */
/* The few facts about the journal as a whole: name and value. */
#include "base/memory.h"
#include "base/text.h"
#include "journal/store.h"

#define BACKED_UP "backed_up_at"
#define APPLIED   "applied_revision"

bool fact_find(Journal *journal, const char *name, char **value, Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_FACT);
    bind_text(statement, 1, name);
    bool there = store_row(journal, statement, &failed);
    *value = there ? column_copy(statement, 0) : NULL;
    sqlite3_reset(statement);
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

static bool put(Journal *journal, const char *name, const char *value, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_FACT);
    bind_text(statement, 1, name);
    bind_text(statement, 2, value);
    return store_run(journal, statement, error);
}

bool fact_put(Journal *journal, const char *name, const char *value, Error *error)
{
    double began = store_seconds();
    bool written =
        store_run(journal, store_statement(journal, STATEMENT_BEGIN), error) && put(journal, name, value, error);
    return store_commit(journal, written, began, error);
}

bool facts_put(Journal *journal, Error *error)
{
    return !journal->applied_newer || put(journal, APPLIED, journal->applied, error);
}

bool journal_backed_up(Journal *journal, int64_t at, Error *error)
{
    auto_free char *text = text_format("%lld", (long long)at);
    journal->statistics.backed_up_at = at;
    return fact_put(journal, BACKED_UP, text, error);
}

bool facts_load(Journal *journal, Error *error)
{
    auto_free char *at = NULL;
    return fact_find(journal, APPLIED, &journal->applied, error) && fact_find(journal, BACKED_UP, &at, error) &&
           (!at || text_to_integer(at, 0, INT64_MAX, &journal->statistics.backed_up_at) ||
            error_set(error, ERROR_DAMAGED, "journal %s: no time of a backup: %s", journal->path, at));
}
