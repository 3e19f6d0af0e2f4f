/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting off is shutdown(2): libmicrohttpd owns the descriptor, sees the end in its next run, and closes it. */
#include "api/connection.h"
#include "api/internal.h"
#include "api/refusal.h"
#include "base/limits.h"
#include "base/memory.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { SWEEP_MS = 500, CUT_MAX = 64 /* in one run: a refusal has to be written to each */ };

void connections_init(Connections *connections, size_t maximum)
{
    TAILQ_INIT(&connections->quiet);
    TAILQ_INIT(&connections->busy);
    connections->count = 0;
    connections->maximum = maximum;
    connections->sweep_due = TIME_NEVER;
}

static void set_address(Connection *connection, const struct sockaddr *peer)
{
    if (peer && peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, connection->address, sizeof connection->address);
        connection->key = in->sin_addr.s_addr;
    } else if (peer && peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)peer;
        inet_ntop(AF_INET6, &in->sin6_addr, connection->address, sizeof connection->address);
        memcpy(&connection->key, &in->sin6_addr, sizeof connection->key);
    } else {
        snprintf(connection->address, sizeof connection->address, "unix");
        connection->key = UINT64_MAX;
    }
}

static void cut(Connection *connection)
{
    if (connection->reads_body) {
        connection_refuse(connection, 408, "the body was not complete in time");
    } else if (connection->quiet && !connection->served) {
        connection_refuse(connection, 408, "the headers were not complete in time");
    } else {
        shutdown(connection->fd, SHUT_RDWR);
    }
    connection->due = TIME_NEVER;
    connection->reads_body = false;
}

/* libmicrohttpd 0.9.75 misses the end of what a client says when it came together with the last bytes. */
static bool has_hung_up(const Connection *connection)
{
    char byte;
    bool speaks = connection->quiet || connection->reads_body;
    return speaks && recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* libmicrohttpd 0.9.75 neither goes on nor gives up when the line before a chunk is larger than its buffer, and wants
 * to run again at once, for ever. */
static void cut_if_stuck(Connection *connection)
{
    int unread = 0;
    bool stuck = connection->reads_body && ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
    if (stuck && connection->stuck) {
        connection_refuse(connection, 400, "a line of the chunked body is too long");
        connection->due = TIME_NEVER;
        connection->reads_body = false;
    }
    connection->stuck = stuck;
}

static void cut_the_quietest(Connections *connections)
{
    Connection *connection;
    TAILQ_FOREACH(connection, &connections->quiet, link)
    {
        if (connection->due != TIME_NEVER) {
            cut(connection);
            return;
        }
    }
}

static void limit(Connections *connections, Connection *connection, int64_t boot_ms, int seconds)
{
    connection->due = boot_ms + (int64_t)seconds * 1000;
    if (connections->sweep_due == TIME_NEVER) {
        connections->sweep_due = boot_ms + SWEEP_MS;
    }
}

static void set_quiet(Connections *connections, Connection *connection, bool quiet)
{
    TAILQ_REMOVE(connection->quiet ? &connections->quiet : &connections->busy, connection, link);
    connection->quiet = quiet;
    TAILQ_INSERT_TAIL(quiet ? &connections->quiet : &connections->busy, connection, link);
}

Connection *connection_open(struct Server *server, int fd, const struct sockaddr *peer, int64_t boot_ms)
{
    Connections *connections = &server->connections;
    if (connections->count >= connections->maximum) {
        cut_the_quietest(connections);
    }
    Connection *connection = memory_new(sizeof *connection);
    connection->server = server;
    connection->fd = fd;
    connection->quiet = true;
    set_address(connection, peer);
    TAILQ_INSERT_TAIL(&connections->quiet, connection, link);
    connections->count++;
    limit(connections, connection, boot_ms, REQUEST_HEADERS_SECONDS);
    return connection;
}

void connection_close(Connections *connections, Connection *connection)
{
    TAILQ_REMOVE(connection->quiet ? &connections->quiet : &connections->busy, connection, link);
    connections->count--;
    free(connection);
}

void connection_reads_body(Connections *connections, Connection *connection, int64_t boot_ms)
{
    connection->served = true;
    connection->reads_body = true;
    connection->stuck = false;
    set_quiet(connections, connection, false);
    limit(connections, connection, boot_ms, REQUEST_BODY_SECONDS);
}

void connection_takes_body(Connection *connection)
{
    connection->stuck = false;
}

void connection_waits(Connection *connection)
{
    connection->due = TIME_NEVER;
    connection->reads_body = false;
}

void connection_writes(Connections *connections, Connection *connection, int64_t boot_ms)
{
    connection->reads_body = false;
    limit(connections, connection, boot_ms, RESPONSE_SECONDS);
}

void connection_rests(Connections *connections, Connection *connection, int64_t boot_ms)
{
    set_quiet(connections, connection, true);
    limit(connections, connection, boot_ms, KEEP_ALIVE_SECONDS);
}

static bool sweep_list(ConnectionList *list, int64_t boot_ms, int *cuts_left)
{
    bool more = false;
    Connection *connection;
    TAILQ_FOREACH(connection, list, link)
    {
        if (connection->due <= boot_ms) {
            if (*cuts_left > 0) {
                cut(connection);
                (*cuts_left)--;
            }
        } else if (connection->due != TIME_NEVER && has_hung_up(connection)) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->due = TIME_NEVER;
        } else {
            cut_if_stuck(connection);
        }
        more = more || connection->due != TIME_NEVER;
    }
    return more;
}

void connections_sweep(Connections *connections, int64_t boot_ms)
{
    if (boot_ms < connections->sweep_due) {
        return;
    }
    int cuts_left = CUT_MAX;
    bool quiet = sweep_list(&connections->quiet, boot_ms, &cuts_left);
    bool busy = sweep_list(&connections->busy, boot_ms, &cuts_left);
    int64_t next_ms = cuts_left > 0 ? SWEEP_MS : 0;
    connections->sweep_due = quiet || busy ? boot_ms + next_ms : TIME_NEVER;
}

int64_t connections_deadline(const Connections *connections)
{
    return connections->sweep_due;
}
