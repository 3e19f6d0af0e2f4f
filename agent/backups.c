/* SPDX-License-Identifier: Apache-2.0 */
/* Backups, a slice in each turn. */
#include "base/log.h"
#include "base/memory.h"
#include "loop.h"
#include "time/clock.h"
#include <unistd.h>

enum { SLICE_MS = 2 };

static void refuse(Loop *loop, const Error *error)
{
    loop->leftover = loop->backup ? backup_abandon(memory_steal(&loop->backup)) : -1;
    log_line(LOG_WARN, "a backup failed", "cause", error->text, NULL);
    server_backup_failed(loop->server, loop->backup_token, error->kind == ERROR_LIMIT, error->text);
}

static void give(Loop *loop)
{
    Error error = {0};
    int64_t size = 0;
    int fd = backup_take(loop->backup, &size, &error);
    if (fd < 0) {
        refuse(loop, &error);
        return;
    }
    backup_free(memory_steal(&loop->backup));
    server_backup_made(loop->server, loop->backup_token, fd, size);
}

static void go_on(Loop *loop, Now now)
{
    Error error = {0};
    bool done = false;
    if (loop->stopping) {
        error_set(&error, ERROR_IO, "the agent is shutting down");
        refuse(loop, &error);
        return;
    }
    do {
        if (!backup_step(loop->backup, &done, &error)) {
            refuse(loop, &error);
            return;
        }
    } while (!done && clock_now().boot_ms < now.boot_ms + SLICE_MS);
    if (done) {
        give(loop);
    }
}

static void remember(Loop *loop, int64_t at)
{
    Error error = {0};
    if (loop->writable && !journal_backed_up(loop->journal, at, &error)) {
        log_line(LOG_WARN, "the time of the last backup cannot be written", "cause", error.text, NULL);
    }
}

/* Its room is given back a little at a time; the next one waits for that. */
static void shrink(Loop *loop, Now now)
{
    while (loop->leftover >= 0 && clock_now().boot_ms < now.boot_ms + SLICE_MS) {
        loop->leftover = leftover_shrink(loop->leftover) ? -1 : loop->leftover;
    }
}

static void begin(Loop *loop)
{
    Error error = {0};
    if (server_take_backup(loop->server, &loop->backup_token)) {
        loop->backup = backup_new(loop->journal, &error);
        if (!loop->backup) {
            refuse(loop, &error);
        }
    }
}

void loop_back_up(Loop *loop, Now now)
{
    int64_t at;
    if (server_backup_taken(loop->server, &at)) {
        remember(loop, at);
    }
    if (loop->leftover < 0) {
        loop->leftover = server_backup_leftover(loop->server);
    }
    if (loop->leftover >= 0) {
        shrink(loop, now);
    } else if (loop->backup) {
        go_on(loop, now);
    } else {
        begin(loop);
    }
}
