/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: the directory, the lock, the check; a damaged file is moved aside. The lock is on a file of its own, as
 * opening and closing the database file would drop SQLite's own locks. */
#include "journal/journal.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/backup.h"
#include "journal/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AUDITS_MAX = 10000, PID_TEXT_MAX = 32, HOLDER_LOOKS = 30 };

#define ASIDE ".damaged-"

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? text_copy_length(path, (size_t)(slash - path) + 1) : text_copy(".");
}

static bool make_directory(const char *path, Error *error)
{
    auto_free char *directory = text_copy(path);
    for (char *at = directory + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
            return error_set(error, ERROR_IO, "%s: %s", directory, strerror(errno));
        }
        *at = '/';
    }
    return true;
}

static bool write_pid(int lock)
{
    char text[PID_TEXT_MAX];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)length, 0) == length;
}

/* Who the lock file names; "" when it names nobody. */
static void read_pid(int lock, char pid[PID_TEXT_MAX])
{
    ssize_t length = pread(lock, pid, PID_TEXT_MAX - 1, 0);
    pid[length > 0 ? length : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
}

/* The holder may have taken the lock a moment ago: until it has written its pid, none or a dead one stands there. */
static void await_holder(int lock, char pid[PID_TEXT_MAX])
{
    static const struct timespec pause = {0, 10000000};
    for (int i = 0; i < HOLDER_LOOKS; i++) {
        int64_t number;
        read_pid(lock, pid);
        if (text_to_integer(pid, 1, INT32_MAX, &number) && (kill((pid_t)number, 0) == 0 || errno == EPERM)) {
            return;
        }
        nanosleep(&pause, NULL);
    }
}

/* *unclean: the last holder did not get to closing it. */
static bool take_lock(Journal *journal, bool *unclean, Error *error)
{
    char pid[PID_TEXT_MAX];
    auto_free char *path = text_format("%s.lock", journal->path);
    journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock < 0) {
        return error_set(error, ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (flock(journal->lock, LOCK_EX | LOCK_NB) == 0) {
        read_pid(journal->lock, pid);
        *unclean = pid[0] != '\0';
        write_pid(journal->lock); /* a full disk must not keep the agent from starting */
        return true;
    }
    await_holder(journal->lock, pid);
    return error_set(error, ERROR_CONFLICT, "journal %s is in use by process %s", journal->path,
                     pid[0] ? pid : "unknown");
}

/* The database with its side files; they belong together. */
static bool move_aside(const Journal *journal, Now now, char **quarantined, Error *error)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    auto_free char *target = text_format("%s" ASIDE "%lld", journal->path, (long long)now.wall_ms);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        auto_free char *from = text_format("%s%s", journal->path, suffixes[i]);
        auto_free char *to = text_format("%s%s", target, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return error_set(error, ERROR_IO, "the damaged journal %s cannot be moved aside: %s", from,
                             strerror(errno));
        }
    }
    *quarantined = memory_steal(&target);
    return true;
}

static bool open_store(Journal *journal, Now now, char **quarantined, Error *error)
{
    Error first = {0};
    if (store_open(journal, &first)) {
        return true;
    }
    if (first.kind != ERROR_DAMAGED) {
        return error_set(error, first.kind, "%s", first.text);
    }
    store_close(journal);
    return move_aside(journal, now, quarantined, error) && store_open(journal, error);
}

/* A process that was killed leaves its -wal; one that closed the journal leaves none, and nobody in the lock. */
static bool wal_is_missing(const Journal *journal, bool unclean)
{
    struct stat status;
    auto_free char *wal = text_format("%s-wal", journal->path);
    return unclean && stat(journal->path, &status) == 0 && status.st_size > 0 && access(wal, F_OK) != 0;
}

static int64_t newest_quarantined(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    auto_free char *directory = directory_of(path);
    auto_free char *begin = text_format("%s" ASIDE, name);
    int64_t newest = 0;
    DIR *listing = opendir(directory);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        int64_t at;
        bool aside =
            text_starts_with(entry->d_name, begin) && text_to_integer(entry->d_name + strlen(begin), 0, INT64_MAX, &at);
        newest = aside && at > newest ? at : newest;
    }
    if (listing) {
        closedir(listing);
    }
    return newest;
}

Journal *journal_open(const char *path, Now now, JournalFindings *findings, Error *error)
{
    mode_t mask = umask(0077);
    Journal *journal = memory_new(sizeof *journal);
    journal->path = text_copy(path);
    journal->lock = -1;
    journal->statistics.writable = true;
    JournalFindings found = {0};
    bool unclean = false;
    bool opened = make_directory(path, error) && take_lock(journal, &unclean, error);
    found.wal_missing = opened && wal_is_missing(journal, unclean);
    opened = opened && open_store(journal, now, &found.quarantined, error) && facts_load(journal, error);
    umask(mask);
    if (!opened) {
        free(found.quarantined);
        journal_close(journal);
        return NULL;
    }
    backup_sweep(path);
    journal->statistics.quarantined_at = newest_quarantined(path);
    *findings = found;
    return journal;
}

static void audits_clear(Journal *journal)
{
    for (size_t i = 0; i < journal->audit_count; i++) {
        free(journal->audits[i].who);
        free(journal->audits[i].what);
        free(journal->audits[i].run_id);
    }
    journal->audit_count = 0;
}

void journal_close(Journal *journal)
{
    if (!journal) {
        return;
    }
    bool held = journal->database != NULL, closed = store_close(journal);
    if (journal->lock >= 0) {
        bool forgotten = held && closed && ftruncate(journal->lock, 0) == 0;
        (void)forgotten; /* else the next start looks for a -wal that is not there, and says so */
        close(journal->lock);
    }
    audits_clear(journal);
    free(journal->audits);
    free(journal->applied);
    free(journal->path);
    free(journal);
}

void journal_audit(Journal *journal, int64_t at, const char *who, const char *what, const char *run_id, int status)
{
    if (journal->audit_count == AUDITS_MAX) { /* the log has it all the same */
        return;
    }
    Audit audit = {at, text_copy(who), text_copy(what), text_copy(run_id), status};
    array_push(journal->audits, journal->audit_count, journal->audit_capacity) = audit;
}

const JournalStatistics *journal_statistics(const Journal *journal)
{
    return &journal->statistics;
}

const char *journal_applied(const Journal *journal)
{
    return journal->applied;
}

void journal_set_applied(Journal *journal, const char *revision)
{
    if (!text_equal(journal->applied, revision)) {
        text_replace(&journal->applied, revision);
        journal->applied_newer = true;
    }
}

bool journal_pending(const Journal *journal)
{
    return journal->audit_count > 0 || journal->applied_newer;
}
