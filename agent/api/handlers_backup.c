/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/backup: the loop makes the copy, in slices; it is sent from a file that has no name any more, so that nothing
 * is left of it when its client is gone. One at a time, from the question to the last byte. */
#include "api/answer.h"
#include "api/audit.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/memory.h"
#include <unistd.h>

static const char media_sqlite[] = "application/vnd.sqlite3";

enum { BLOCK_SIZE = 64 * 1024 };

void handle_backup(Exchange *exchange)
{
    Server *server = exchange->server;
    if (exchange->head) {
        answer_head(exchange, media_sqlite);
    } else if (server->draining) {
        answer_unavailable(exchange, "the agent is shutting down");
    } else if (server->backup.exchange) {
        answer_unavailable(exchange, "another backup is being made");
    } else {
        server->backup.exchange = exchange;
        server_queue(server, exchange, &server->backups);
    }
}

bool server_take_backup(Server *server, uint64_t *token)
{
    Exchange *exchange = TAILQ_FIRST(&server->backups);
    if (exchange) {
        TAILQ_REMOVE(&server->backups, exchange, link);
        *token = exchange->token;
    }
    return exchange != NULL;
}

/* --- the answer --- */

typedef struct BackupFile {
    Server *server;
    int fd;
} BackupFile;

static ssize_t read_file(void *user, uint64_t position, char *out, size_t size)
{
    const BackupFile *file = user;
    ssize_t got = pread(file->fd, out, size, (off_t)position);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void leave_file(void *user)
{
    BackupFile *file = user;
    file->server->backup.leftover = file->fd;
    free(file);
}

static struct MHD_Response *response_of(Server *server, int fd, int64_t size)
{
    BackupFile *file = memory_new(sizeof *file);
    *file = (BackupFile){server, fd};
    return MHD_create_response_from_callback((uint64_t)size, BLOCK_SIZE, read_file, file, leave_file);
}

void server_backup_made(Server *server, uint64_t token, int fd, int64_t size)
{
    Exchange *exchange = slots_find(&server->slots, token);
    server->backup.made_at = server->now.wall_ms;
    answer_response(exchange, 200, media_sqlite, response_of(server, fd, size));
    answer_header(exchange, "Content-Disposition", "attachment; filename=\"journal.db\"");
    /* However long it takes, as long as its client takes something. */
    MHD_set_connection_option(exchange->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)RESPONSE_SECONDS);
    audit(exchange, NULL);
    server_resume(server, exchange);
}

void server_backup_failed(Server *server, uint64_t token, bool no_room, const char *detail)
{
    Exchange *exchange = slots_find(&server->slots, token);
    if (no_room) {
        answer_problem(exchange, 507, "%s", detail);
    } else {
        answer_unavailable(exchange, detail);
    }
    audit(exchange, NULL);
    server_resume(server, exchange);
}

bool server_backup_taken(Server *server, int64_t *made_at)
{
    *made_at = server->backup.taken_at;
    server->backup.taken_at = 0;
    return *made_at != 0;
}

int server_backup_leftover(Server *server)
{
    int fd = server->backup.leftover;
    server->backup.leftover = -1;
    return fd;
}

void backup_completed(Exchange *exchange, bool whole)
{
    CurrentBackup *backup = &exchange->server->backup;
    if (backup->exchange == exchange) {
        backup->exchange = NULL;
        backup->taken_at = whole && exchange->status == 200 ? backup->made_at : backup->taken_at;
    }
}
