/* SPDX-License-Identifier: Apache-2.0 */
/* Whose file it is, who has it, and in what state it is. */
#include "fixture.h"

#include "base/file.h"

static void second_agent_is_refused(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Error error = {0};
    char pid[32];
    JournalFindings found;
    assert_null(journal_open(path, now, &found, &error));
    assert_int_equal(error.kind, ERROR_CONFLICT);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    journal_close(journal);
    journal_close(open_journal());
}

static void damaged_file_is_moved_aside(void **state)
{
    (void)state;
    journal_close(open_journal());
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "this is no database", 19, 0), 19);
    close(fd);
    Error error = {0};
    JournalFindings found;
    Journal *journal = journal_open(path, now, &found, &error);
    assert_non_null(journal);
    assert_non_null(strstr(found.quarantined, ".damaged-"));
    assert_int_equal(access(found.quarantined, F_OK), 0);
    assert_true(journal_statistics(journal)->quarantined_at == now.wall_ms);
    journal_close(journal);
    journal = open_journal();
    assert_true(journal_statistics(journal)->quarantined_at == now.wall_ms); /* for as long as it lies there */
    journal_close(journal);
    assert_int_equal(unlink(found.quarantined), 0);
    free(found.quarantined);
    journal = open_journal();
    assert_int_equal(journal_statistics(journal)->quarantined_at, 0);
    journal_close(journal);
}

static void newer_and_foreign_files_are_refused(void **state)
{
    (void)state;
    static const char *const pragmas[][2] = {{"PRAGMA user_version = 999", "newer"},
                                             {"PRAGMA application_id = 5", "not a journal"}};
    journal_close(open_journal());
    for (size_t i = 0; i < 2; i++) {
        execute(pragmas[i][0]);
        Error error = {0};
        JournalFindings found;
        assert_null(journal_open(path, now, &found, &error));
        assert_non_null(strstr(error.text, pragmas[i][1]));
    }
}

static void a_foreign_file_stays_as_it_is(void **state)
{
    (void)state;
    journal_close(open_journal()); /* makes the directory */
    assert_int_equal(unlink(path), 0);
    execute("PRAGMA journal_mode = DELETE; CREATE TABLE theirs(id INTEGER)");
    Error error = {0};
    JournalFindings found;
    assert_null(journal_open(path, now, &found, &error));
    assert_int_equal(error.kind, ERROR_CONFLICT);
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "PRAGMA journal_mode", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "delete");
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

/* Opened and left in a process that ends without closing it. */
static void open_and_die(void)
{
    pid_t child = fork();
    if (child == 0) {
        Journal *journal = open_journal();
        _exit(journal_probe(journal, NULL) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_missing_wal_is_noticed(void **state)
{
    (void)state;
    open_and_die();
    journal_close(open_journal()); /* it is there */
    journal_close(open_journal()); /* none is needed */
    open_and_die();
    char *wal = text_format("%s-wal", path);
    assert_int_equal(unlink(wal), 0);
    free(wal);
    JournalFindings found;
    Journal *journal = journal_open(path, now, &found, NULL);
    assert_non_null(journal);
    assert_true(found.wal_missing);
    journal_close(journal);
}

static void only_the_owner_may_read(void **state)
{
    (void)state;
    mode_t before = umask(0);
    Journal *journal = open_journal();
    assert_true(journal_probe(journal, NULL));
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct stat status;
        char *file = text_format("%s%s", path, suffixes[i]);
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        free(file);
    }
    journal_close(journal);
    umask(before);
}

static void a_place_that_cannot_be(void **state)
{
    (void)state;
    Error error = {0};
    JournalFindings found;
    assert_null(journal_open("/dev/null/journal.db", now, &found, &error));
    assert_int_equal(error.kind, ERROR_IO);
    assert_non_null(strstr(error.text, "/dev/null"));
}

static void assert_namespace(Journal *journal, const char *given, const char *fresh, const char *wanted)
{
    auto_free char *namespace = journal_namespace(journal, given, fresh, NULL);
    assert_string_equal(namespace, wanted);
}

static void remove_file(const char *suffix)
{
    auto_free char *file = text_format("%s%s", path, suffix);
    assert_int_equal(unlink(file), 0);
}

/* One that begins anew after damage, and one that was restored where there was another before. */
static void namespace_is_kept_within_and_beside(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    assert_namespace(journal, "", "fresh", "fresh");
    journal_close(journal);
    remove_file("");
    journal = open_journal();
    assert_namespace(journal, "", "other", "fresh");
    remove_file(".namespace");
    assert_namespace(journal, "", "other", "fresh");
    auto_free char *file = text_format("%s.namespace", path);
    assert_int_equal(access(file, F_OK), 0);
    assert_true(file_write(file, "of before", strlen("of before"), NULL));
    assert_namespace(journal, "", "other", "fresh");
    assert_namespace(journal, "given", "other", "given");
    assert_namespace(journal, "", "other", "given");
    journal_close(journal);
}

static void namespace_is_made_once(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    assert_namespace(journal, "", "fresh", "fresh");
    assert_namespace(journal, "", "other", "fresh");
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(second_agent_is_refused),
        TEST(damaged_file_is_moved_aside),
        TEST(newer_and_foreign_files_are_refused),
        TEST(a_foreign_file_stays_as_it_is),
        TEST(a_missing_wal_is_noticed),
        TEST(only_the_owner_may_read),
        TEST(a_place_that_cannot_be),
        TEST(namespace_is_made_once),
        TEST(namespace_is_kept_within_and_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
