/* SPDX-License-Identifier: Apache-2.0 */
/* What has ended in Prefect: the cursor, what was counted near it, the totals of each deployment. */
#include "base/memory.h"
#include "journal/store.h"

static bool put_tail(Journal *journal, const InventoryChange *change, Error *error)
{
    const char *tail = inventory_tail_names[change->tail];
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_TAIL);
    bind_text(statement, 1, tail);
    sqlite3_bind_int64(statement, 2, change->change.begin);
    sqlite3_bind_int64(statement, 3, change->change.cursor);
    if (!store_run(journal, statement, error)) {
        return false;
    }
    statement = store_statement(journal, STATEMENT_DELETE_SEEN);
    bind_text(statement, 1, tail);
    sqlite3_bind_int64(statement, 2, change->change.forgotten);
    return store_run(journal, statement, error);
}

static bool put_seen(Journal *journal, const InventoryChange *change, Error *error)
{
    for (size_t i = 0; i < change->change.count; i++) {
        const EndedRun *run = change->change.runs[i];
        if (run->ended_at <= change->change.forgotten) {
            continue;
        }
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_SEEN);
        bind_text(statement, 1, inventory_tail_names[change->tail]);
        bind_text(statement, 2, run->id);
        sqlite3_bind_int64(statement, 3, run->ended_at);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool put_totals(Journal *journal, const InventoryChange *change, Error *error)
{
    for (size_t i = 0; i < change->total_count; i++) {
        auto_free char *numbers = end_totals_text(&change->totals[i].totals);
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_ENDED);
        bind_text(statement, 1, change->totals[i].deployment_id);
        bind_text(statement, 2, numbers);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool delete_gone(Journal *journal, const InventoryChange *change, Error *error)
{
    for (size_t i = 0; i < change->gone_count; i++) {
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_DELETE_ENDED);
        bind_text(statement, 1, change->gone[i]);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

bool journal_put_inventory(Journal *journal, const InventoryChange *change, Error *error)
{
    double began = store_seconds();
    bool written = store_run(journal, store_statement(journal, STATEMENT_BEGIN), error) &&
                   put_tail(journal, change, error) && put_seen(journal, change, error) &&
                   put_totals(journal, change, error) && delete_gone(journal, change, error);
    return store_commit(journal, written, began, error);
}

/* A tail that this version does not know is left alone. */
static bool tail_of(sqlite3_stmt *statement, InventoryTail *tail)
{
    int index = name_index(inventory_tail_names, TAILS, (const char *)sqlite3_column_text(statement, 0));
    *tail = index < 0 ? TAILS : (InventoryTail)index;
    return index >= 0;
}

static void read_tail(Inventory *inventory, sqlite3_stmt *statement)
{
    InventoryTail tail;
    if (tail_of(statement, &tail)) {
        inventory_restore(inventory, tail, sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2));
    }
}

static void read_seen(Inventory *inventory, sqlite3_stmt *statement)
{
    InventoryTail tail;
    const char *flow_run = (const char *)sqlite3_column_text(statement, 1);
    if (tail_of(statement, &tail) && flow_run) {
        inventory_restore_seen(inventory, tail, flow_run, sqlite3_column_int64(statement, 2));
    }
}

static void read_totals(Inventory *inventory, sqlite3_stmt *statement)
{
    EndTotals totals = {0};
    const char *deployment = (const char *)sqlite3_column_text(statement, 0);
    const char *numbers = (const char *)sqlite3_column_text(statement, 1);
    if (deployment && numbers && end_totals_parse(numbers, &totals)) {
        inventory_restore_totals(inventory, deployment, &totals);
    }
}

bool journal_restore_inventory(Journal *journal, Inventory *inventory, Error *error)
{
    static const struct {
        StatementName name;
        void (*read)(Inventory *inventory, sqlite3_stmt *statement);
    } tables[] = {{STATEMENT_TAILS, read_tail}, {STATEMENT_SEEN, read_seen}, {STATEMENT_ENDED, read_totals}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        Error failed = {0};
        sqlite3_stmt *statement = store_statement(journal, tables[i].name);
        while (store_row(journal, statement, &failed)) {
            tables[i].read(inventory, statement);
        }
        if (failed.kind != ERROR_NONE) {
            return error_set(error, failed.kind, "%s", failed.text);
        }
    }
    return true;
}
