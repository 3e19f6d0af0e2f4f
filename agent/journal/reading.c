/* SPDX-License-Identifier: Apache-2.0 */
/* Records back from rows: for the engine at the start, and for the API's questions about runs that have ended. */
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/store.h"
#include <string.h>

Failure *failure_read(sqlite3_stmt *statement)
{
    Failure *failure = memory_new(sizeof *failure);
    failure->stage = column_copy(statement, 0);
    int reason = name_index(reason_names, REASONS, (const char *)sqlite3_column_text(statement, 1));
    failure->reason = reason > 0 ? (Reason)reason : REASON_NONE;
    failure->message = column_copy(statement, 2);
    failure->task_name = column_copy(statement, 3);
    failure->task_message = column_copy(statement, 4);
    failure->logs = column_copy(statement, 5);
    failure->flow_run_id = column_copy(statement, 6);
    failure->flow_run_url = column_copy(statement, 7);
    return failure;
}

bool load_failure(Journal *journal, RunRecord *run, Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_FAILURE);
    bind_text(statement, 1, run->id);
    if (store_row(journal, statement, &failed)) {
        run->failure = failure_read(statement);
        sqlite3_reset(statement);
    }
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

static bool load_attempts(Journal *journal, const char *run_id, StageRecord *stages, size_t count, Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_ATTEMPTS);
    bind_text(statement, 1, run_id);
    size_t at = 0;
    while (store_row(journal, statement, &failed)) {
        int node = sqlite3_column_int(statement, 1);
        while (at < count && stages[at].node < node) {
            at++;
        }
        if (at == count || stages[at].node != node) {
            continue;
        }
        StageRecord *stage = &stages[at];
        stage->attempts = memory_resize(stage->attempts, stage->attempt_count + 1, sizeof *stage->attempts);
        AttemptRecord *attempt = &stage->attempts[stage->attempt_count++];
        *attempt = (AttemptRecord){.number = sqlite3_column_int(statement, 2)};
        columns_read(statement, attempt_table.key_count, &attempt_table, attempt);
    }
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

static void stages_free(StageRecord *stages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stage_record_release(&stages[i]);
    }
    free(stages);
}

static bool load_stages(Journal *journal, const char *run_id, StageRecord **stages, size_t *count, Error *error)
{
    Error failed = {0};
    StageRecord *loaded = NULL;
    size_t loaded_count = 0, capacity = 0;
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_STAGES);
    bind_text(statement, 1, run_id);
    while (store_row(journal, statement, &failed)) {
        StageRecord stage = {.node = sqlite3_column_int(statement, 1)};
        columns_read(statement, stage_table.key_count, &stage_table, &stage);
        array_push(loaded, loaded_count, capacity) = stage;
    }
    if (failed.kind != ERROR_NONE || !load_attempts(journal, run_id, loaded, loaded_count, &failed)) {
        stages_free(loaded, loaded_count);
        return error_set(error, failed.kind, "%s", failed.text);
    }
    *stages = loaded;
    *count = loaded_count;
    return true;
}

/* New text, or NULL when there is none (or an error is set). */
static char *load_definition(Journal *journal, const char *sha256, size_t *length, Error *error)
{
    char *text = NULL;
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_DEFINITION);
    bind_text(statement, 1, sha256);
    if (store_row(journal, statement, error)) {
        *length = (size_t)sqlite3_column_bytes(statement, 0);
        text = text_copy_length(sqlite3_column_blob(statement, 0), *length);
        sqlite3_reset(statement);
    }
    return text;
}

static RunRecord *load_record(Journal *journal, const char *id, Error *error)
{
    RunRecord *run = NULL;
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_RUN);
    bind_text(statement, 1, id);
    if (store_row(journal, statement, &failed)) {
        run = memory_new(sizeof *run);
        columns_read(statement, 0, &run_table, run);
        sqlite3_reset(statement);
    } else if (failed.kind == ERROR_NONE) {
        error_set(&failed, ERROR_NOT_FOUND, "no run %s", id);
    }
    if (run && !load_failure(journal, run, &failed)) {
        run_record_release(run);
        free(memory_steal(&run));
    }
    if (!run) {
        error_set(error, failed.kind, "%s", failed.text);
    }
    return run;
}

bool journal_load_run(Journal *journal, const char *id, RunRecord *run, StageRecord **stages, size_t *stage_count,
                      char **definition_text, size_t *definition_length, Error *error)
{
    auto_free RunRecord *record = load_record(journal, id, error);
    if (!record) {
        return false;
    }
    size_t length = 0;
    Error failed = {0};
    auto_free char *text = load_definition(journal, record->definition_sha256, &length, &failed);
    if (!text && failed.kind == ERROR_NONE) {
        error_set(&failed, ERROR_DAMAGED, "the definition of run %s is missing in the journal", id);
    }
    if (!text || !load_stages(journal, id, stages, stage_count, &failed)) {
        run_record_release(record);
        return error_set(error, failed.kind, "%s", failed.text);
    }
    *run = *record;
    *definition_text = memory_steal(&text);
    *definition_length = length;
    return true;
}

bool journal_find_key(Journal *journal, const char *sendpost, const char *key, int64_t now_ms, char run_id[UUID_SIZE],
                      char digest[DIGEST_HEX_SIZE], Error *error)
{
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_KEY);
    bind_text(statement, 1, sendpost);
    bind_text(statement, 2, key);
    sqlite3_bind_int64(statement, 3, now_ms - (int64_t)REQUEST_KEY_HOURS * 3600000);
    if (!store_row(journal, statement, error)) {
        return false;
    }
    sqlite3_snprintf(UUID_SIZE, run_id, "%s", (const char *)sqlite3_column_text(statement, 0));
    const char *found = (const char *)sqlite3_column_text(statement, 1);
    sqlite3_snprintf(DIGEST_HEX_SIZE, digest, "%s", found ? found : "");
    sqlite3_reset(statement);
    return true;
}

bool journal_list_ticks(Journal *journal, const char *sendpost, TickRecord *ticks, size_t limit, size_t *count,
                        Error *error)
{
    Error failed = {0};
    size_t found = 0;
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_TICKS);
    bind_text(statement, 1, sendpost);
    sqlite3_bind_int64(statement, 2, (int64_t)limit);
    while (store_row(journal, statement, &failed)) {
        int verdict = name_index(verdict_names, VERDICTS, (const char *)sqlite3_column_text(statement, 1));
        const char *run = (const char *)sqlite3_column_text(statement, 2);
        ticks[found] = (TickRecord){.at = sqlite3_column_int64(statement, 0),
                                    .verdict = verdict < 0 ? VERDICT_MISSED : (Verdict)verdict};
        sqlite3_snprintf(UUID_SIZE, ticks[found++].run_id, "%s", run ? run : "");
    }
    *count = failed.kind == ERROR_NONE ? found : 0;
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

bool journal_each_file(Journal *journal, JournalFileVisitor *visit, void *user, Error *error)
{
    Error failed = {0};
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_FILES);
    while (store_row(journal, statement, &failed)) {
        const char *file = (const char *)sqlite3_column_text(statement, 0);
        const char *revision = (const char *)sqlite3_column_text(statement, 2);
        const char *text = sqlite3_column_blob(statement, 1);
        if (!visit(user, file, revision, text, (size_t)sqlite3_column_bytes(statement, 1))) {
            sqlite3_reset(statement);
            return true;
        }
    }
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

/* --- restore --- */

/* A sendpost's stages as its rows come: they are sorted by name. */
typedef struct StagesOf {
    char *name;
    SendpostStage *stages;
    size_t count, capacity;
} StagesOf;

static void stage_collect(Map *by_name, const char *name, const char *path, const char *numbers)
{
    StagesOf *group = map_find(by_name, name);
    if (!group) {
        group = memory_new(sizeof *group);
        map_put(by_name, name, group);
    }
    SendpostStage stage = {.path = text_copy(path)};
    stage_totals_parse(numbers, &stage.totals);
    array_push(group->stages, group->count, group->capacity) = stage;
}

typedef struct SendpostRow {
    char *name;
    SendpostHistory history;
    char last_run[UUID_SIZE], last_failed[UUID_SIZE];
} SendpostRow;

static bool restore_sendposts(Journal *journal, Engine *engine, SendpostRow *rows, size_t count, Map *stages,
                              Error *error)
{
    for (size_t i = 0; i < count; i++) {
        Error missing = {0};
        RunRecord *last = rows[i].last_run[0] ? load_record(journal, rows[i].last_run, &missing) : NULL;
        RunRecord *failed = rows[i].last_failed[0] ? load_record(journal, rows[i].last_failed, &missing) : NULL;
        if (missing.kind != ERROR_NONE && missing.kind != ERROR_NOT_FOUND) {
            return error_set(error, missing.kind, "%s", missing.text);
        }
        auto_free StagesOf *group = map_remove(stages, rows[i].name);
        SendpostHistory *history = &rows[i].history;
        history->name = rows[i].name;
        history->stages = group ? group->stages : NULL;
        history->stage_count = group ? group->count : 0;
        history->last_run = last;
        history->last_failed = failed;
        engine_restore_sendpost(engine, history);
        history->marks = NULL;
    }
    return true;
}

static bool restore_totals(Journal *journal, Engine *engine, Error *error)
{
    Error failed = {0};
    AgentTotals agent = {0};
    SendpostRow *rows = NULL;
    size_t count = 0, capacity = 0;
    Map *stages = map_new(1);
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_TOTALS);
    while (store_row(journal, statement, &failed)) {
        const char *kind = (const char *)sqlite3_column_text(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        const char *path = (const char *)sqlite3_column_text(statement, 2);
        const char *numbers = (const char *)sqlite3_column_text(statement, 3);
        if (text_equal(kind, "agent")) {
            agent_totals_parse(numbers, &agent);
        } else if (text_equal(kind, "stage")) {
            stage_collect(stages, name, path, numbers);
        } else {
            SendpostRow row = {.name = text_copy(name)};
            sendpost_totals_parse(numbers, &row.history, row.last_run, row.last_failed);
            array_push(rows, count, capacity) = row;
        }
    }
    statement = store_statement(journal, STATEMENT_LAST_EVENT);
    int64_t last_event = store_row(journal, statement, &failed) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    engine_restore_totals(engine, &agent, last_event);
    bool good = failed.kind == ERROR_NONE && restore_sendposts(journal, engine, rows, count, stages, &failed);
    for (size_t i = 0; i < count; i++) {
        free(rows[i].name);
        free(rows[i].history.marks);
    }
    free(rows);
    const char *key;
    void *group;
    for (size_t at = 0; map_each(stages, &at, &key, &group);) {
        for (size_t i = 0; i < ((StagesOf *)group)->count; i++) {
            free(((StagesOf *)group)->stages[i].path);
        }
        free(((StagesOf *)group)->stages);
        free(group);
    }
    map_free(stages);
    return good || error_set(error, failed.kind, "%s", failed.text);
}

static Definition *pinned_definition(Journal *journal, Map *known, const char *sha256, const JournalReader *reader)
{
    Definition *definition = map_find(known, sha256);
    if (!definition) {
        size_t length = 0;
        auto_free char *text = load_definition(journal, sha256, &length, NULL);
        definition = text ? reader->definition_read(reader->user, sha256, text, length) : NULL;
        if (definition) {
            map_put(known, sha256, definition);
        }
    }
    return definition;
}

static void leave_out(Journal *journal, const RunRecord *run, const JournalReader *reader, const char *message)
{
    JournalStatistics *statistics = &journal->statistics;
    if (statistics->runs_held++ == 0) {
        memcpy(statistics->run_held, run->id, UUID_SIZE);
    }
    reader->problem(reader->user, run->id, message);
}

static void restore_run(Journal *journal, Engine *engine, RunRecord *run, Map *known, const JournalReader *reader,
                        Error *error)
{
    StageRecord *stages = NULL;
    size_t count = 0;
    Definition *definition = pinned_definition(journal, known, run->definition_sha256, reader);
    bool loaded = definition && load_stages(journal, run->id, &stages, &count, error);
    bool fits = loaded;
    if (!definition) {
        leave_out(journal, run, reader, "the text of its definition is missing or no longer valid");
    }
    for (size_t i = 0; fits && i < count; i++) {
        fits = stages[i].node >= 0 && stages[i].node < (int)definition->node_count;
    }
    if (fits) {
        engine_restore_run(engine, run, stages, count, definition_hold(definition));
        return;
    }
    if (loaded) {
        leave_out(journal, run, reader, "its stages do not fit its definition");
    }
    stages_free(stages, count);
    run_record_release(run);
    free(run);
}

static bool restore_runs(Journal *journal, Engine *engine, const JournalReader *reader, Map *known, Error *error)
{
    Error failed = {0};
    RunRecord **runs = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *statement = store_statement(journal, STATEMENT_UNFINISHED_RUNS);
    while (store_row(journal, statement, &failed)) {
        RunRecord *run = memory_new(sizeof *run);
        columns_read(statement, 0, &run_table, run);
        array_push(runs, count, capacity) = run;
    }
    for (size_t i = 0; i < count; i++) {
        bool good = failed.kind == ERROR_NONE && load_failure(journal, runs[i], &failed);
        if (!good) {
            run_record_release(runs[i]);
            free(runs[i]);
        } else {
            restore_run(journal, engine, runs[i], known, reader, &failed);
        }
    }
    free(runs);
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}

bool journal_restore(Journal *journal, Engine *engine, const JournalReader *reader, Error *error)
{
    Map *known = map_new(1);
    journal->statistics.runs_held = 0;
    bool good = restore_totals(journal, engine, error) && restore_runs(journal, engine, reader, known, error);
    void *definition;
    for (size_t at = 0; map_each(known, &at, NULL, &definition);) {
        definition_release(definition);
    }
    map_free(known);
    return good;
}
