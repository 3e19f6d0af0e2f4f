/* SPDX-License-Identifier: Apache-2.0 */
/* One turn, one transaction. Dirty flags are cleared only when it has been committed. */
#include "base/limits.h"
#include "base/memory.h"
#include "journal/store.h"
#include <string.h>
#include <sys/stat.h>
#include <time.h>

const double journal_commit_bounds[10] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5};

double store_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void failure_bind(sqlite3_stmt *statement, const char *run_id, const Failure *failure)
{
    const char *texts[] = {
        run_id,           failure->stage,       failure->reason == REASON_NONE ? "none" : reason_names[failure->reason],
        failure->message, failure->task_name,   failure->task_message,
        failure->logs,    failure->flow_run_id, failure->flow_run_url};
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        bind_text(statement, i + 1, texts[i]);
    }
}

static bool put_attempts(Journal *journal, const char *run_id, const StageRecord *stage, Error *error)
{
    for (size_t i = 0; i < stage->attempt_count; i++) {
        if (!stage->attempts[i].dirty) {
            continue;
        }
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_ATTEMPT);
        bind_text(statement, 1, run_id);
        sqlite3_bind_int(statement, 2, stage->node);
        sqlite3_bind_int(statement, 3, stage->attempts[i].number);
        columns_bind(statement, 4, &attempt_table, &stage->attempts[i]);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool put_stage(Journal *journal, const char *run_id, const StageRecord *stage, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_STAGE);
    bind_text(statement, 1, run_id);
    sqlite3_bind_int(statement, 2, stage->node);
    columns_bind(statement, 3, &stage_table, stage);
    return store_run(journal, statement, error) && put_attempts(journal, run_id, stage, error);
}

static bool put_run(Journal *journal, const Run *run, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_RUN);
    columns_bind(statement, 1, &run_table, &run->record);
    if (!store_run(journal, statement, error)) {
        return false;
    }
    if (run->record.failure) {
        statement = store_statement(journal, STATEMENT_PUT_FAILURE);
        failure_bind(statement, run->record.id, run->record.failure);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < run->definition->node_count; i++) {
        if (run->stages[i].record.dirty && !put_stage(journal, run->record.id, &run->stages[i].record, error)) {
            return false;
        }
    }
    return true;
}

static bool put_totals(Journal *journal, const char *kind, const char *name, const char *path, const char *numbers,
                       Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_TOTALS);
    bind_text(statement, 1, kind);
    bind_text(statement, 2, name);
    bind_text(statement, 3, path);
    bind_text(statement, 4, numbers);
    return store_run(journal, statement, error);
}

static bool put_sendpost(Journal *journal, const Sendpost *sendpost, Error *error)
{
    auto_free char *numbers = sendpost_totals_text(sendpost);
    if (!put_totals(journal, "sendpost", sendpost->name, "", numbers, error)) {
        return false;
    }
    for (size_t i = 0; i < sendpost->stage_count; i++) {
        if (sendpost->stages[i].dirty) {
            auto_free char *stage = stage_totals_text(&sendpost->stages[i].totals);
            if (!put_totals(journal, "stage", sendpost->name, sendpost->stages[i].path, stage, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool put_event(Journal *journal, const EventRecord *event, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_EVENT);
    const char *texts[] = {event->sendpost, event->run,    event->stage, event->from,
                           event->to,       event->reason, event->detail};
    sqlite3_bind_int64(statement, 1, event->id);
    bind_text(statement, 2, event_type_names[event->type]);
    sqlite3_bind_int64(statement, 3, event->at);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        bind_text(statement, 4 + i, texts[i]);
    }
    return store_run(journal, statement, error);
}

static bool put_tick(Journal *journal, const TickRecord *tick, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_TICK);
    bind_text(statement, 1, tick->sendpost);
    sqlite3_bind_int64(statement, 2, (int64_t)(tick->number % TICKS_KEPT));
    sqlite3_bind_int64(statement, 3, tick->at);
    bind_text(statement, 4, verdict_names[tick->verdict]);
    bind_text(statement, 5, tick->run_id[0] ? tick->run_id : NULL);
    return store_run(journal, statement, error);
}

static bool put_retry(Journal *journal, const RetryRecord *retry, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_RETRY);
    bind_text(statement, 1, retry->retried_by);
    bind_text(statement, 2, retry->run_id);
    return store_run(journal, statement, error);
}

static bool put_key(Journal *journal, const KeyRecord *key, Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_KEY);
    bind_text(statement, 1, key->scope);
    bind_text(statement, 2, key->key);
    bind_text(statement, 3, key->digest);
    bind_text(statement, 4, key->run_id);
    sqlite3_bind_int64(statement, 5, key->at);
    return store_run(journal, statement, error);
}

static int by_digest(const void *a, const void *b)
{
    return strcmp((*(const Definition *const *)a)->sha256, (*(const Definition *const *)b)->sha256);
}

/* In the order of their keys: thousands at once would be put all over the table, and its pages written again and again.
 */
static bool put_texts(Journal *journal, const Changes *changes, Error *error)
{
    size_t count = 0;
    auto_free const Definition **sorted = memory_new(changes->definition_count * sizeof *sorted);
    for (size_t i = 0; i < changes->definition_count; i++) {
        if (changes->definitions[i].definition) {
            sorted[count++] = changes->definitions[i].definition;
        }
    }
    qsort(sorted, count, sizeof *sorted, by_digest);
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_DEFINITION);
        bind_text(statement, 1, sorted[i]->sha256);
        sqlite3_bind_blob64(statement, 2, sorted[i]->text, sorted[i]->length, SQLITE_STATIC);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool put_file(Journal *journal, const DefinitionChange *change, Error *error)
{
    sqlite3_stmt *statement;
    if (!change->definition) {
        statement = store_statement(journal, STATEMENT_DELETE_FILE);
        bind_text(statement, 1, change->file);
        return store_run(journal, statement, error);
    }
    statement = store_statement(journal, STATEMENT_PUT_FILE);
    bind_text(statement, 1, change->file);
    bind_text(statement, 2, change->definition->sha256);
    bind_text(statement, 3, change->revision);
    return store_run(journal, statement, error);
}

static bool put_audits(Journal *journal, Error *error)
{
    for (size_t i = 0; i < journal->audit_count; i++) {
        const Audit *audit = &journal->audits[i];
        sqlite3_stmt *statement = store_statement(journal, STATEMENT_PUT_AUDIT);
        sqlite3_bind_int64(statement, 1, audit->at);
        bind_text(statement, 2, audit->who);
        bind_text(statement, 3, audit->what);
        bind_text(statement, 4, audit->run_id);
        sqlite3_bind_int(statement, 5, audit->status);
        if (!store_run(journal, statement, error)) {
            return false;
        }
    }
    return true;
}

static bool put_all(Journal *journal, const Changes *changes, const AgentTotals *totals, Error *error)
{
    if (!put_texts(journal, changes, error)) {
        return false;
    }
    for (size_t i = 0; i < changes->definition_count; i++) {
        if (!put_file(journal, &changes->definitions[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->run_count; i++) {
        if (!put_run(journal, changes->runs[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->retry_count; i++) {
        if (!put_retry(journal, &changes->retries[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->sendpost_count; i++) {
        if (!put_sendpost(journal, changes->sendposts[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->event_count; i++) {
        if (!put_event(journal, &changes->events[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->tick_count; i++) {
        if (!put_tick(journal, &changes->ticks[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < changes->key_count; i++) {
        if (!put_key(journal, &changes->keys[i], error)) {
            return false;
        }
    }
    if (changes->totals) {
        auto_free char *numbers = agent_totals_text(totals);
        if (!put_totals(journal, "agent", "", "", numbers, error)) {
            return false;
        }
    }
    return facts_put(journal, error) && put_audits(journal, error);
}

static void run_clean(Run *run)
{
    run->dirty = run->record.dirty = false;
    for (size_t i = 0; i < run->definition->node_count; i++) {
        StageRecord *stage = &run->stages[i].record;
        stage->dirty = false;
        for (size_t j = 0; j < stage->attempt_count; j++) {
            stage->attempts[j].dirty = false;
        }
    }
}

static void all_clean(Journal *journal, const Changes *changes)
{
    for (size_t i = 0; i < changes->run_count; i++) {
        run_clean(changes->runs[i]);
    }
    for (size_t i = 0; i < changes->sendpost_count; i++) {
        Sendpost *sendpost = changes->sendposts[i];
        sendpost->dirty = false;
        for (size_t j = 0; j < sendpost->stage_count; j++) {
            sendpost->stages[j].dirty = false;
        }
    }
    for (size_t i = 0; i < journal->audit_count; i++) {
        free(journal->audits[i].who);
        free(journal->audits[i].what);
        free(journal->audits[i].run_id);
    }
    journal->audit_count = 0;
    journal->applied_newer = false;
}

static void count_commit(Journal *journal, double seconds)
{
    JournalStatistics *statistics = &journal->statistics;
    int bucket = 0;
    while (bucket < 10 && seconds > journal_commit_bounds[bucket]) {
        bucket++;
    }
    statistics->commit_duration_counts[bucket]++;
    statistics->commit_duration_sum += seconds;
    statistics->commits++;
    struct stat status;
    if (stat(journal->path, &status) == 0) {
        statistics->size_bytes = status.st_size;
    }
}

bool store_commit(Journal *journal, bool written, double began, Error *error)
{
    bool committed = written && store_run(journal, store_statement(journal, STATEMENT_COMMIT), error);
    if (committed) {
        count_commit(journal, store_seconds() - began);
    } else {
        store_rollback(journal);
    }
    journal->statistics.writable = committed;
    return committed;
}

bool journal_commit(Journal *journal, const Changes *changes, const AgentTotals *totals, Error *error)
{
    double began = store_seconds();
    bool written = store_run(journal, store_statement(journal, STATEMENT_BEGIN), error) &&
                   put_all(journal, changes, totals, error);
    if (!store_commit(journal, written, began, error)) {
        return false;
    }
    all_clean(journal, changes);
    return true;
}

bool journal_probe(Journal *journal, Error *error)
{
    double began = store_seconds();
    bool written = store_run(journal, store_statement(journal, STATEMENT_BEGIN), error);
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_PROBE);
    sqlite3_bind_int64(statement, 1, (int64_t)(began * 1000));
    written = written && store_run(journal, statement, error);
    return store_commit(journal, written, began, error);
}
