/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a journal that goes on meanwhile. */
#include "fixture.h"

#include "journal/backup.h"

enum { EVENTS_AT_ONCE = 200, COMMITS = 40 };

static char file[128];

static void write_events(Journal *journal, int64_t first)
{
    static char sendpost[512];
    memset(sendpost, 's', sizeof sendpost - 1);
    EventRecord *events = memory_new(EVENTS_AT_ONCE * sizeof *events);
    Changes changes = {.events = events, .event_count = EVENTS_AT_ONCE};
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        events[i] = (EventRecord){.id = first + i, .type = EVENT_RUN_STATE, .at = first + i, .sendpost = sendpost};
    }
    AgentTotals totals = {0};
    assert_true(journal_commit(journal, &changes, &totals, NULL));
    free(events);
}

static Journal *filled(void)
{
    Journal *journal = open_journal();
    for (int64_t i = 0; i < COMMITS; i++) {
        write_events(journal, 1 + i * EVENTS_AT_ONCE);
    }
    return journal;
}

static int steps(Backup *backup)
{
    bool done = false;
    int count = 0;
    for (Error error = {0}; !done; count++) {
        assert_true(backup_step(backup, &done, &error));
    }
    return count;
}

/* The descriptor's content as a file of its own. */
static void save(int fd, int64_t size)
{
    snprintf(file, sizeof file, "%s/copy.db", directory);
    int out = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char bytes[4096];
    int64_t copied = 0;
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0; copied += got) {
        assert_int_equal(write(out, bytes, (size_t)got), got);
    }
    assert_int_equal(copied, size);
    close(out);
    close(fd);
}

static int64_t newest_event(const char *database)
{
    sqlite3 *opened;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(database, &opened, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(opened, "SELECT max(id) FROM event", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(opened);
    return id;
}

static bool is_there(const char *suffix)
{
    auto_free char *name = text_format("%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static void a_copy_has_all_up_to_its_end(void **state)
{
    (void)state;
    Journal *journal = filled();
    Error error = {0};
    Backup *backup = backup_new(journal, &error);
    assert_non_null(backup);
    bool done = false;
    for (int64_t i = 0; i < 3; i++) { /* what is committed in between is in it, too */
        assert_true(backup_step(backup, &done, &error));
        assert_false(done);
        write_events(journal, 1 + (COMMITS + i) * EVENTS_AT_ONCE);
    }
    assert_true(steps(backup) > 3);
    int64_t size = 0;
    int fd = backup_take(backup, &size, &error);
    assert_true(fd >= 0);
    backup_free(backup);
    assert_false(is_there(".backup"));
    save(fd, size);
    assert_true(backup_check(file, &error));
    assert_int_equal(newest_event(file), (COMMITS + 3) * EVENTS_AT_ONCE);
    write_events(journal, 1 + (COMMITS + 3) * EVENTS_AT_ONCE); /* it goes on as before */
    journal_close(journal);
}

static void what_was_given_up_leaves_nothing(void **state)
{
    (void)state;
    Journal *journal = filled();
    bool done;
    Backup *backup = backup_new(journal, NULL);
    assert_true(backup_step(backup, &done, NULL));
    assert_true(is_there(".backup"));
    struct stat status;
    auto_free char *name = text_format("%s.backup", path);
    assert_int_equal(stat(name, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    backup_free(backup);
    assert_false(is_there(".backup"));
    journal_close(journal);
}

/* Unlinked at once, its room given back in slices. */
static void what_is_left_shrinks(void **state)
{
    (void)state;
    Journal *journal = filled();
    Backup *backup = backup_new(journal, NULL);
    steps(backup);
    int fd = backup_abandon(backup);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    int slices = 1;
    for (int64_t before = status.st_size; !leftover_shrink(fd); before = status.st_size, slices++) {
        assert_int_equal(fstat(fd, &status), 0);
        assert_true(status.st_size < before);
    }
    assert_true(slices > 2);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    journal_close(journal);
}

static void what_a_killed_process_left_is_taken_away(void **state)
{
    (void)state;
    journal_close(open_journal());
    static const char *const suffixes[] = {".backup", ".backup-journal", ".backup-wal", ".backup-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        auto_free char *name = text_format("%s%s", path, suffixes[i]);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    journal_close(open_journal());
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        assert_false(is_there(suffixes[i]));
    }
}

/* The journal has its room already: only the copy does not grow. */
static void no_room_for_a_copy(void **state)
{
    (void)state;
    Journal *journal = filled();
    struct rlimit before, low;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    Backup *backup = backup_new(journal, NULL);
    low = (struct rlimit){64 * 1024, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &low);
    Error error = {0};
    bool done = false;
    while (!done && backup_step(backup, &done, &error)) {
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(done);
    assert_int_equal(error.kind, ERROR_LIMIT);
    assert_non_null(strstr(error.text, "no room"));
    backup_free(backup);
    assert_false(is_there(".backup"));
    write_events(journal, 1 + COMMITS * EVENTS_AT_ONCE);
    journal_close(journal);
}

static void a_file_that_is_no_whole_journal(void **state)
{
    (void)state;
    Journal *journal = filled();
    Backup *backup = backup_new(journal, NULL);
    steps(backup);
    int64_t size = 0;
    int fd = backup_take(backup, &size, NULL);
    save(fd, size);
    backup_free(backup);
    journal_close(journal);
    Error error = {0};
    assert_int_equal(truncate(file, size / 2), 0);
    assert_false(backup_check(file, &error));
    assert_int_equal(error.kind, ERROR_DAMAGED);
    assert_int_equal(truncate(file, 100), 0);
    assert_false(backup_check(file, NULL));
    assert_int_equal(truncate(file, 0), 0);
    assert_false(backup_check(file, NULL));
    unlink(file);
    assert_false(backup_check(file, NULL));
    assert_false(access(file, F_OK) == 0);
}

static void the_last_one_is_remembered(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    assert_int_equal(journal_statistics(journal)->backed_up_at, 0);
    assert_true(journal_backed_up(journal, 1795321386437, NULL));
    journal_close(journal);
    journal = open_journal();
    assert_int_equal(journal_statistics(journal)->backed_up_at, 1795321386437);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_has_all_up_to_its_end), TEST(what_was_given_up_leaves_nothing),
        TEST(what_is_left_shrinks),         TEST(what_a_killed_process_left_is_taken_away),
        TEST(no_room_for_a_copy),           TEST(a_file_that_is_no_whole_journal),
        TEST(the_last_one_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
