/* SPDX-License-Identifier: Apache-2.0 */
/* By SQLite's backup interface, into a file that needs neither a journal of its own nor to be synced: a copy that was
 * not taken whole is nothing. */
#include "journal/backup.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/store.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PAGES_A_STEP = 32, LEFTOVER_SLICE = 1 << 20 };

struct Backup {
    char *path;
    sqlite3 *copy;
    sqlite3_backup *going_on;
};

static char *path_of(const char *journal_path)
{
    return text_format("%s.backup", journal_path);
}

void backup_sweep(const char *journal_path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    auto_free char *path = path_of(journal_path);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        auto_free char *file = text_format("%s%s", path, suffixes[i]);
        unlink(file);
    }
}

static bool no_room(Error *error, const char *path, const char *cause)
{
    return error_set(error, ERROR_LIMIT, "there is no room for a copy of the journal at %s: %s", path, cause);
}

static bool say(Error *error, const Backup *backup, int code)
{
    if (code == SQLITE_FULL || code == SQLITE_IOERR_WRITE) {
        return no_room(error, backup->path, sqlite3_errstr(SQLITE_FULL));
    }
    return error_set(error, ERROR_IO, "the copy at %s cannot be made: %s", backup->path, sqlite3_errstr(code));
}

/* The journal itself must have some left to grow. */
static bool has_room(const Journal *journal, const char *path, Error *error)
{
    struct stat status;
    struct statvfs space;
    if (stat(journal->path, &status) != 0 || statvfs(journal->path, &space) != 0) {
        return error_set(error, ERROR_IO, "%s: %s", journal->path, strerror(errno));
    }
    uint64_t available = (uint64_t)space.f_bavail * space.f_frsize;
    return available >= (uint64_t)status.st_size + BACKUP_SPARE || no_room(error, path, "the disk is nearly full");
}

static bool open_copy(Backup *backup, Error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    mode_t mask = umask(0077);
    int code = sqlite3_open_v2(backup->path, &backup->copy, flags, NULL);
    code = code == SQLITE_OK ? sqlite3_exec(backup->copy,
                                            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                                            "PRAGMA cache_size = -1000",
                                            NULL, NULL, NULL)
                             : code;
    umask(mask);
    return code == SQLITE_OK || say(error, backup, code);
}

Backup *backup_new(Journal *journal, Error *error)
{
    backup_sweep(journal->path);
    Backup *backup = memory_new(sizeof *backup);
    backup->path = path_of(journal->path);
    if (!has_room(journal, backup->path, error) || !open_copy(backup, error)) {
        backup_free(backup);
        return NULL;
    }
    backup->going_on = sqlite3_backup_init(backup->copy, "main", journal->database, "main");
    if (!backup->going_on) {
        say(error, backup, sqlite3_errcode(backup->copy));
        backup_free(backup);
        return NULL;
    }
    return backup;
}

bool backup_step(Backup *backup, bool *done, Error *error)
{
    int code = sqlite3_backup_step(backup->going_on, PAGES_A_STEP);
    if (code == SQLITE_OK) {
        *done = false;
        return true;
    }
    if (code == SQLITE_DONE) {
        code = sqlite3_backup_finish(memory_steal(&backup->going_on));
    }
    if (code == SQLITE_OK) { /* as one file, which can be read where nothing may be written */
        code = sqlite3_exec(backup->copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        return say(error, backup, code);
    }
    *done = true;
    return true;
}

int backup_take(Backup *backup, int64_t *size, Error *error)
{
    struct stat status;
    if (sqlite3_close(memory_steal(&backup->copy)) != SQLITE_OK) {
        error_set(error, ERROR_IO, "the copy at %s cannot be closed", backup->path);
        return -1;
    }
    int fd = open(backup->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || unlink(backup->path) != 0) {
        error_set(error, ERROR_IO, "%s: %s", backup->path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    *size = status.st_size;
    return fd;
}

int backup_abandon(Backup *backup)
{
    int fd = open(backup->path, O_RDWR | O_CLOEXEC);
    sqlite3_backup_finish(backup->going_on);
    sqlite3_close(backup->copy);
    unlink(backup->path);
    free(backup->path);
    free(backup);
    return fd;
}

void backup_free(Backup *backup)
{
    int fd = backup ? backup_abandon(backup) : -1;
    if (fd >= 0) {
        close(fd);
    }
}

bool leftover_shrink(int fd)
{
    struct stat status;
    bool more = fstat(fd, &status) == 0 && status.st_size > LEFTOVER_SLICE &&
                ftruncate(fd, status.st_size - LEFTOVER_SLICE) == 0;
    if (!more) {
        close(fd);
    }
    return !more;
}

bool backup_check(const char *path, Error *error)
{
    Journal copy = {.path = text_copy(path), .lock = -1};
    bool whole = store_check(&copy, error);
    free(copy.path);
    return whole;
}
