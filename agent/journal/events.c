/* SPDX-License-Identifier: Apache-2.0 */
/* The history again, in pages by id: a long one is read in many turns. */
#include "base/text.h"
#include "journal/store.h"

bool journal_find_event(Journal *journal, int64_t id, bool *found, int64_t *newest, Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_LAST_EVENT);
    int64_t last = store_row(journal, statement, &failed) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    statement = store_statement(journal, STATEMENT_EVENT);
    sqlite3_bind_int64(statement, 1, id);
    bool there = failed.kind == ERROR_NONE && store_row(journal, statement, &failed);
    sqlite3_reset(statement);
    if (failed.kind != ERROR_NONE) {
        return error_set(error, failed.kind, "%s", failed.text);
    }
    *found = there;
    *newest = last;
    return true;
}

static char *column_borrow(sqlite3_stmt *statement, int index)
{
    return (char *)(uintptr_t)sqlite3_column_text(statement, index);
}

/* False: of a type that a later version of the agent wrote. */
static bool event_read(sqlite3_stmt *statement, EventRecord *event)
{
    int type = name_index(event_type_names, EVENT_TYPES, column_borrow(statement, 1));
    *event = (EventRecord){
        .id = sqlite3_column_int64(statement, 0),
        .type = (EventType)type,
        .at = sqlite3_column_int64(statement, 2),
        .sendpost = column_borrow(statement, 3),
        .run = column_borrow(statement, 4),
        .stage = column_borrow(statement, 5),
        .from = column_borrow(statement, 6),
        .to = column_borrow(statement, 7),
        .reason = column_borrow(statement, 8),
    };
    return type >= 0;
}

bool journal_each_event(Journal *journal, int64_t *after, size_t limit, JournalEventVisitor *visit, void *user,
                        Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_EVENTS);
    sqlite3_bind_int64(statement, 1, *after);
    sqlite3_bind_int64(statement, 2, (int64_t)limit);
    for (bool more = true; more && store_row(journal, statement, &failed);) {
        EventRecord event;
        more = !event_read(statement, &event) || visit(user, &event);
        *after = event.id;
    }
    sqlite3_reset(statement);
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}
