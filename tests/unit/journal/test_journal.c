/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define YAML       "name: daily\nconcurrency: queue\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b}\n"
#define RUN        "00000000-0000-7000-8000-000000000001"
#define WAITING    "00000000-0000-7000-8000-000000000002"
#define DEPLOYMENT "00000000-0000-4000-8000-0000000000dd"

static Definition *read_text(void *user, const char *sha256, const char *text, size_t length)
{
    (void)user, (void)sha256;
    Findings findings = {0};
    Definition *definition = definition_read(text, length, NULL, &findings);
    findings_release(&findings);
    return definition;
}

static void report_problem(void *user, const char *run_id, const char *message)
{
    print_message("%s: %s\n", run_id, message);
    ++*(int *)user;
}

static Engine *new_engine(void)
{
    return engine_new(
        &(EngineOptions){.namespace = "n", .ui_url = "http://ui", .settle_ms = 1, .cancel_grace_ms = 1, .map_seed = 1});
}

static void commit(Journal *journal, Engine *engine, Actions *actions)
{
    Error error = {0};
    bool committed = journal_commit(journal, &actions->changes, engine_totals(engine), &error);
    if (!committed) {
        print_error("%s\n", error.text);
    }
    assert_true(committed);
    actions_clear(actions);
    engine_turn_end(engine);
}

/* A run whose first stage has a flow run, another that waits behind it. */
static Engine *live(Journal *journal)
{
    Engine *engine = new_engine();
    Actions actions = {0};
    Definition *definition = read_text(NULL, NULL, YAML, strlen(YAML));
    engine_step(
        engine,
        &(Happening){.kind = HAPPENED_LOADED, .file = {.file = "a.yaml", .revision = "r", .definition = definition}},
        now, &actions);
    RequestKey key = {.scope = "daily", .key = "k", .digest = "d"};
    TriggerEvent trigger = {.token = 1,
                            .sendpost = "daily",
                            .run_id = RUN,
                            .triggered_by = "me",
                            .reason = "because",
                            .keys = &key,
                            .key_count = 1};
    engine_step(engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = trigger}, now, &actions);
    trigger.run_id = WAITING;
    trigger.key_count = 0;
    engine_step(engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = trigger}, now, &actions);
    AnswerEvent resolved = {.reference = "f/a", .deployment_id = DEPLOYMENT, .deployment_name = "f/a"};
    engine_step(engine, &(Happening){.kind = HAPPENED_RESOLVED, .answer = resolved}, now, &actions);
    FlowRun flow_run = {.id = (char *)(uintptr_t)DEPLOYMENT,
                        .deployment_id = (char *)(uintptr_t)DEPLOYMENT,
                        .type = PREFECT_RUNNING,
                        .created_at = now.wall_ms,
                        .started_at = now.wall_ms,
                        .state_timestamp = now.wall_ms};
    AnswerEvent created = {.run_id = RUN, .attempt = 1, .flow_runs = &flow_run, .flow_run_count = 1};
    engine_step(engine, &(Happening){.kind = HAPPENED_CREATED, .answer = created}, now, &actions);
    commit(journal, engine, &actions);
    actions_release(&actions);
    definition_release(definition);
    return engine;
}

static void what_was_committed_comes_back(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    journal_close(journal);
    journal = open_journal();
    Engine *restored = new_engine();
    int problems = 0;
    JournalReader reader = {read_text, report_problem, &problems};
    assert_true(journal_restore(journal, restored, &reader, NULL));
    assert_int_equal(problems, 0);
    Actions actions = {0};
    engine_resume(restored, now, &actions);
    const Run *before = engine_run_find(engine, RUN), *after = engine_run_find(restored, RUN);
    assert_int_equal(after->record.state, before->record.state);
    assert_string_equal(after->record.triggered_by, "me");
    assert_string_equal(after->record.trigger_reason, "because");
    const StageRecord *stage_before = &before->stages[0].record, *stage_after = &after->stages[0].record;
    assert_true(stage_before->started_at > 0);
    assert_int_equal(stage_after->started_at, stage_before->started_at);
    assert_int_equal(stage_after->ended_at, stage_before->ended_at);
    assert_int_equal(stage_after->retry_at, stage_before->retry_at);
    assert_string_equal(stage_after->deployment_name, stage_before->deployment_name);
    assert_null(stage_after->former_flow_run);
    const AttemptRecord *old = &before->stages[0].record.attempts[0], *new = &after->stages[0].record.attempts[0];
    assert_int_equal(new->intent_at, old->intent_at);
    assert_int_equal(new->prefect_timestamp, old->prefect_timestamp);
    assert_int_equal(new->cancel_sent_at, old->cancel_sent_at);
    assert_string_equal(new->key, old->key);
    assert_string_equal(new->body, old->body);
    assert_string_equal(new->flow_run_id, old->flow_run_id);
    assert_int_equal(new->started_at, old->started_at);
    assert_int_equal(engine_watched_count(restored), 1);
    assert_false(engine_run_find(restored, WAITING)->record.admitted);
    assert_int_equal(engine_totals(restored)->flow_runs_created, 1);
    actions_release(&actions);
    engine_free(restored);
    engine_free(engine);
    journal_close(journal);
}

/* The new run and the mark on the old one are one transaction; what is to be asked is durable. */
static void a_retry_is_written_with_what_it_retries(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    Actions actions = {0};
    VerbEvent verb = {.run_id = WAITING};
    engine_step(engine, &(Happening){.kind = HAPPENED_CANCEL, .verb = verb}, now, &actions);
    commit(journal, engine, &actions);
    Run old = {.definition = read_text(NULL, NULL, YAML, strlen(YAML))};
    StageRecord *stages = NULL;
    size_t count = 0, length = 0;
    char *text = NULL;
    assert_true(journal_load_run(journal, WAITING, &old.record, &stages, &count, &text, &length, NULL));
    assert_string_equal(old.record.retried_by, "");
    old.stages = memory_new(old.definition->node_count * sizeof *old.stages);
    old.stages[0].record = (StageRecord){.state = STATE_FAILED, .former_flow_run = (char *)(uintptr_t)DEPLOYMENT};
    verb.ended = &old;
    verb.new_run_id = "00000000-0000-7000-8000-0000000000aa";
    engine_step(engine, &(Happening){.kind = HAPPENED_RETRY, .verb = verb}, now, &actions);
    assert_int_equal(actions.replies[0].kind, REPLY_ACCEPTED);
    commit(journal, engine, &actions);
    assert_int_equal(ask("SELECT count(*) FROM run a JOIN run b ON a.retried_by = b.id AND b.retry_of = a.id"), 1);
    assert_int_equal(ask("SELECT count(*) FROM stage WHERE former_flow_run = '" DEPLOYMENT "'"), 1);
    free(stages);
    free(text);
    free(old.stages);
    run_record_release(&old.record);
    definition_release(old.definition);
    actions_release(&actions);
    engine_free(engine);
    journal_close(journal);
}

#define SCHEDULED "name: daily\nconcurrency: queue\nschedule: {cron: '* * * * *'}\nstages:\n- {name: a, run: f/a}\n"

/* The engine's clock goes on to `at`, and what is due then is committed. */
static void pass(Journal *journal, Engine *engine, int64_t at)
{
    Actions actions = {0};
    engine_step(engine, &(Happening){.kind = HAPPENED_TIME}, (Now){at, now.boot_ms}, &actions);
    commit(journal, engine, &actions);
    actions_release(&actions);
}

static Engine *scheduled(Journal *journal, Definition *definition, int64_t at)
{
    Engine *engine = new_engine();
    int problems = 0;
    JournalReader reader = {read_text, report_problem, &problems};
    assert_true(journal_restore(journal, engine, &reader, NULL));
    Actions actions = {0};
    FileEvent file = {.file = "a.yaml", .revision = "r", .definition = definition};
    engine_step(engine, &(Happening){.kind = HAPPENED_LOADED, .file = file}, (Now){at, now.boot_ms}, &actions);
    commit(journal, engine, &actions);
    actions_release(&actions);
    return engine;
}

static void ticks_are_kept_and_go_on_after_a_restart(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Definition *definition = read_text(NULL, NULL, SCHEDULED, strlen(SCHEDULED));
    int64_t start = now.wall_ms / 60000 * 60000, later = start + 2000 * 60000;
    Engine *engine = scheduled(journal, definition, start);
    pass(journal, engine, start + 60000);
    engine_free(engine);
    engine = scheduled(journal, definition, later);
    const Sendpost *sendpost = engine_sendpost_find(engine, "daily");
    assert_int_equal(sendpost->totals.last_tick_at, start + 60000);
    assert_int_equal(sendpost->totals.unmet_tick_at, start + 60000);
    assert_int_equal(sendpost->marks[0].since, start);
    while (engine_deadline(engine, (Now){later, now.boot_ms}) <= now.boot_ms) {
        pass(journal, engine, later);
    }
    assert_int_equal(sendpost->totals.ticks[VERDICT_STARTED], 3); /* two of them just now */
    assert_int_equal(sendpost->totals.ticks[VERDICT_MISSED], 1997);
    static TickRecord ticks[TICKS_KEPT + 1];
    size_t count = 0;
    assert_true(journal_list_ticks(journal, "daily", ticks, TICKS_KEPT + 1, &count, NULL));
    assert_int_equal(count, TICKS_KEPT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ticks[i].at, later - (int64_t)i * 60000);
    }
    assert_int_equal(ticks[0].verdict, VERDICT_STARTED);
    assert_non_null(engine_run_find(engine, ticks[0].run_id));
    assert_int_equal(ticks[999].verdict, VERDICT_MISSED);
    assert_string_equal(ticks[999].run_id, "");
    engine_free(engine);
    definition_release(definition);
    journal_close(journal);
}

/* What the first version wrote is read by this one. */
static void an_older_journal_is_brought_up_to_date(void **state)
{
    (void)state;
    journal_close(open_journal());
    auto_free char *files = text_format("rm -f '%s'*", path);
    assert_int_equal(system(files), 0);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    auto_free char *old = text_format(
        "%s PRAGMA application_id = %d; PRAGMA user_version = 1;"
        "INSERT INTO definition VALUES('d', CAST('%s' AS BLOB));"
        "INSERT INTO run(id, sendpost, state, reason, trigger, parameters, definition_sha256, cut, created_at,"
        " ended_at) VALUES('" RUN "', 'daily', 'scheduled', 'none', 'api', '{}', 'd', 'none', 1, 0)",
        schema_migrations[0], APPLICATION_ID, YAML);
    assert_int_equal(sqlite3_exec(database, old, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    Journal *journal = open_journal();
    Engine *engine = new_engine();
    int problems = 0;
    JournalReader reader = {read_text, report_problem, &problems};
    assert_true(journal_restore(journal, engine, &reader, NULL));
    assert_int_equal(problems, 0);
    assert_false(engine_run_find(engine, RUN)->record.waits);
    engine_free(engine);
    journal_close(journal);
}

static void runs_are_listed_and_loaded(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    RunRecord *runs, run;
    size_t count, stage_count, length;
    assert_true(journal_list_runs(journal, &(RunQuery){.sendpost = "daily", .limit = 10}, &runs, &count, NULL));
    assert_int_equal(count, 2);
    assert_string_equal(runs[0].id, WAITING);
    assert_true(runs[0].first_event > 0 && runs[0].last_event == 0);
    RunQuery next = {.before_created_at = runs[0].created_at, .before_id = runs[0].id, .limit = 10};
    RunRecord *rest;
    assert_true(journal_list_runs(journal, &next, &rest, &count, NULL));
    assert_int_equal(count, 1);
    assert_string_equal(rest[0].id, RUN);
    run_record_release(&rest[0]);
    free(rest);
    run_record_release(&runs[0]);
    run_record_release(&runs[1]);
    free(runs);
    RunQuery any = {.states = {"completed", "running", "scheduled"}, .state_count = 3, .limit = 1};
    assert_true(journal_list_runs(journal, &any, &runs, &count, NULL));
    assert_int_equal(count, 1);
    assert_string_equal(runs[0].id, WAITING);
    any.before_created_at = runs[0].created_at;
    any.before_id = WAITING;
    assert_true(journal_list_runs(journal, &any, &rest, &count, NULL));
    assert_int_equal(count, 1);
    assert_string_equal(rest[0].id, RUN);
    run_record_release(&runs[0]);
    run_record_release(&rest[0]);
    free(runs);
    free(rest);
    RunQuery ended = {.states = {"failed", "completed"}, .state_count = 2, .limit = 10};
    assert_true(journal_list_runs(journal, &ended, &runs, &count, NULL));
    assert_int_equal(count, 0);
    free(runs);
    StageRecord *stages;
    char *text;
    assert_true(journal_load_run(journal, RUN, &run, &stages, &stage_count, &text, &length, NULL));
    assert_int_equal(stage_count, 1);
    assert_int_equal(stages[0].phase, PHASE_WATCHING);
    assert_int_equal(length, strlen(YAML));
    stage_record_release(&stages[0]);
    run_record_release(&run);
    free(stages);
    free(text);
    Error error = {0};
    assert_false(journal_load_run(journal, DEPLOYMENT, &run, &stages, &stage_count, &text, &length, &error));
    assert_int_equal(error.kind, ERROR_NOT_FOUND);
    engine_free(engine);
    journal_close(journal);
}

static void keys_are_remembered_for_a_day(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    char run_id[UUID_SIZE], digest[DIGEST_HEX_SIZE];
    assert_true(journal_find_key(journal, "daily", "k", now.wall_ms + 86300000, run_id, digest, NULL));
    assert_string_equal(run_id, RUN);
    assert_string_equal(digest, "d");
    assert_false(journal_find_key(journal, "daily", "k", now.wall_ms + 86500000, run_id, digest, NULL));
    assert_false(journal_find_key(journal, "other", "k", now.wall_ms, run_id, digest, NULL));
    engine_free(engine);
    journal_close(journal);
}

static void a_run_that_does_not_fit_is_left_out(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    engine_free(engine);
    journal_close(journal);
    execute("UPDATE stage SET node = 77 WHERE run = '" RUN "' AND node = (SELECT max(node) FROM stage WHERE run = '" RUN
            "')");
    journal = open_journal();
    int problems = 0;
    engine = new_engine();
    JournalReader reader = {read_text, report_problem, &problems};
    Error error = {0};
    assert_true(journal_restore(journal, engine, &reader, &error));
    assert_int_equal(problems, 1);
    assert_int_equal(journal_statistics(journal)->runs_held, 1);
    assert_string_equal(journal_statistics(journal)->run_held, RUN);
    engine_free(engine);
    journal_close(journal);
}

static void what_is_old_goes_in_bounded_batches(void **state)
{
    (void)state;
    journal_close(open_journal());
    execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
            "INSERT INTO event(id, type, at) SELECT i, 'run.created', i FROM n;"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
            "INSERT INTO request_key SELECT 'daily', i, 'd', 'r', i FROM n;"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
            "INSERT INTO audit SELECT i, 'me', 'run', 'r', 202 FROM n;"
            "INSERT INTO definition VALUES('unused', 'x')");
    Journal *journal = open_journal();
    bool more = true;
    assert_true(journal_retain(journal, 2001, 2001, &more, NULL));
    assert_true(more);
    assert_int_equal(ask("SELECT count(*) FROM event"), 2500 - RETENTION_ROWS);
    int turns = 1;
    for (; more; turns++) {
        assert_true(journal_retain(journal, 2001, 2001, &more, NULL));
    }
    assert_int_equal(turns, 3);
    journal_close(journal);
    assert_int_equal(ask("SELECT count(*) FROM event"), 500);
    assert_int_equal(ask("SELECT count(*) FROM request_key"), 500);
    assert_int_equal(ask("SELECT count(*) FROM audit"), 500);
    assert_int_equal(ask("SELECT count(*) FROM definition"), 0);
}

static void full_disk_rolls_back(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        Journal *journal = open_journal();
        struct rlimit limit = {.rlim_cur = 1024, .rlim_max = RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        Error error = {0};
        bool failed =
            !journal_probe(journal, &error) && error.kind == ERROR_IO && !journal_statistics(journal)->writable;
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        bool recovered = journal_probe(journal, &error) && journal_statistics(journal)->writable;
        journal_close(journal);
        _exit(failed && recovered ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void old_runs_go(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Engine *engine = live(journal);
    Actions actions = {0};
    engine_step(engine, &(Happening){.kind = HAPPENED_CANCEL, .verb = {.token = 2, .run_id = WAITING}}, now, &actions);
    commit(journal, engine, &actions);
    bool more = true;
    assert_true(journal_retain(journal, now.wall_ms + 1, now.wall_ms + 1, &more, NULL));
    assert_false(more);
    RunRecord *runs;
    size_t count;
    assert_true(journal_list_runs(journal, &(RunQuery){.limit = 10}, &runs, &count, NULL));
    assert_int_equal(count, 1); /* the unfinished one stays */
    assert_string_equal(runs[0].id, RUN);
    run_record_release(&runs[0]);
    free(runs);
    actions_release(&actions);
    engine_free(engine);
    journal_close(journal);
}

static void audits_wait_for_a_commit_and_are_bounded(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    for (int i = 0; i < 10001; i++) {
        journal_audit(journal, now.wall_ms, "me", "run daily", NULL, 409);
    }
    assert_true(journal_pending(journal));
    AgentTotals totals = {0};
    assert_true(journal_commit(journal, &(Changes){0}, &totals, NULL));
    assert_false(journal_pending(journal));
    assert_int_equal(ask("SELECT count(*) FROM audit"), 10000);
    journal_close(journal);
}

static void the_applied_revision_is_kept(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    assert_null(journal_applied(journal));
    AgentTotals totals = {0};
    for (int i = 0; i < 2; i++) {
        const char *revision = i ? "second" : "first";
        journal_set_applied(journal, revision);
        journal_set_applied(journal, revision);
        assert_true(journal_pending(journal));
        assert_true(journal_commit(journal, &(Changes){0}, &totals, NULL));
        journal_set_applied(journal, revision);
        assert_false(journal_pending(journal));
        journal_close(journal);
        journal = open_journal();
        assert_string_equal(journal_applied(journal), revision);
    }
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_retry_is_written_with_what_it_retries),
        TEST(the_applied_revision_is_kept),
        TEST(ticks_are_kept_and_go_on_after_a_restart),
        TEST(an_older_journal_is_brought_up_to_date),
        TEST(what_was_committed_comes_back),
        TEST(runs_are_listed_and_loaded),
        TEST(keys_are_remembered_for_a_day),
        TEST(full_disk_rolls_back),
        TEST(old_runs_go),
        TEST(audits_wait_for_a_commit_and_are_bounded),
        TEST(a_run_that_does_not_fit_is_left_out),
        TEST(what_is_old_goes_in_bounded_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
