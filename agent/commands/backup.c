/* SPDX-License-Identifier: Apache-2.0 */
/* backup: what stands in FILE afterwards is a whole journal, or what was there before. */
#include "journal/backup.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/client.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SILENCE_SECONDS = 120, OUTPUT_MAX = 1 << 16 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

typedef struct Copy {
    int fd;
    int64_t size;
    int cause; /* errno of what could not be written; 0: none */
} Copy;

static bool take(void *user, const char *bytes, size_t length)
{
    Copy *copy = user;
    for (size_t written = 0; written < length;) {
        ssize_t count = write(copy->fd, bytes + written, length - written);
        if (count < 0 && errno != EINTR) {
            copy->cause = errno;
            return false;
        }
        written += count > 0 ? (size_t)count : 0;
    }
    copy->size += (int64_t)length;
    return true;
}

static bool go_on(void *user)
{
    (void)user;
    return !interrupted;
}

/* An older backup is replaced; nothing else is. */
static bool may_replace(const char *path, Error *error)
{
    struct stat status;
    auto_free char *lock = text_format("%s.lock", path);
    if (lstat(path, &status) != 0) {
        return errno == ENOENT || error_set(error, ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_CONFLICT, "%s is there, and is not a regular file", path);
    }
    if (access(lock, F_OK) == 0) {
        return error_set(error, ERROR_CONFLICT, "%s is the journal of an agent", path);
    }
    Error cause = {0};
    return backup_check(path, &cause) ||
           error_set(error, ERROR_CONFLICT, "%s is there, and is not a backup that could be replaced: %s", path,
                     cause.text);
}

/* Synced, and read again. */
static bool finish(Copy *copy, const char *temporary, const char *path, Error *error)
{
    if (fsync(copy->fd) != 0) {
        return error_set(error, ERROR_IO, "%s: %s", temporary, strerror(errno));
    }
    return backup_check(temporary, error) && file_rename(temporary, path, error);
}

static void report(const CommandLine *line, const char *path, int64_t size)
{
    auto_buffer out;
    buffer_init(&out, OUTPUT_MAX);
    if (option_given(line, "json")) {
        JsonWriter writer;
        json_writer_init(&writer, &out);
        json_begin_object(&writer, NULL);
        json_write_text(&writer, "file", path);
        json_write_integer(&writer, "size_bytes", size);
        json_end_object(&writer);
        buffer_char(&out, '\n');
    } else {
        buffer_format(&out, "backup: %s, %lld bytes, whole\n", path, (long long)size);
    }
    print(&out);
}

static Status fill(const CommandLine *line, Client *client, Copy *copy, const char *temporary)
{
    const char *path = line->arguments[0];
    ClientStream stream = {take, go_on, copy, SILENCE_SECONDS};
    Answer answer = {0};
    Error error = {0};
    bool came = client_stream(client, "/v1/backup", NULL, &stream, &answer, &error);
    Status status = STATUS_DONE;
    if (copy->cause) {
        auto_free char *why = text_format("%s: %s", temporary, strerror(copy->cause));
        status = complain(STATUS_FAILED, "backup", why);
    } else if (interrupted) {
        status = complain(STATUS_FAILED, "backup", "interrupted");
    } else if (!came) {
        status = complain(STATUS_UNREACHABLE, "backup", error.text);
    } else if (answer.status != 200) {
        status = client_complain("backup", &answer);
    } else if (!finish(copy, temporary, path, &error)) {
        status = complain(STATUS_FAILED, "backup", error.text);
    } else {
        report(line, path, copy->size);
    }
    answer_release(&answer);
    return status;
}

static Status copy_to(const CommandLine *line, Client *client)
{
    auto_free char *temporary = text_format("%s.part-XXXXXX", line->arguments[0]);
    Copy copy = {.fd = mkostemp(temporary, O_CLOEXEC)};
    if (copy.fd < 0) {
        auto_free char *why = text_format("%s: %s", line->arguments[0], strerror(errno));
        return complain(STATUS_FAILED, "backup", why);
    }
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    Status status = fill(line, client, &copy, temporary);
    close(copy.fd);
    if (status != STATUS_DONE) {
        unlink(temporary);
    }
    return status;
}

static Status run(const CommandLine *line)
{
    Status status;
    Error error = {0};
    if (!may_replace(line->arguments[0], &error)) {
        return complain(error.kind == ERROR_CONFLICT ? STATUS_REFUSED : STATUS_FAILED, "backup", error.text);
    }
    Client *client = client_new(line, &status);
    if (client) {
        status = copy_to(line, client);
        client_free(client);
    }
    return status;
}

const Command command_backup = {.name = "backup",
                                .arguments = "FILE",
                                .least = 1,
                                .most = 1,
                                .client = true,
                                .summary = "Writes a copy of the running agent's journal, whole and checked",
                                .run = run};
