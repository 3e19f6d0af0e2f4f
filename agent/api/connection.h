/* SPDX-License-Identifier: Apache-2.0 */
/* The open connections of all listeners, each with the time by which its client must be done with what it is doing.
 * libmicrohttpd's own timeout is one of inactivity, which a byte a second keeps away for ever. */
#ifndef SENDPOST_API_CONNECTION_H
#define SENDPOST_API_CONNECTION_H

#include "time/instant.h"
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct Server;

typedef struct Connection {
    TAILQ_ENTRY(Connection) link;
    struct Server *server;
    int fd;                         /* libmicrohttpd's */
    int64_t due;                    /* boot ms; TIME_NEVER */
    bool quiet;                     /* no request has begun, or its headers are not complete: in the list `quiet` */
    bool served;                    /* it had a request */
    bool reads_body;                /* of a request whose answer has not begun */
    bool stuck;                     /* libmicrohttpd took nothing of what is there since the last sweep */
    char address[INET6_ADDRSTRLEN]; /* "unix" for a local socket */
    uint64_t key;                   /* of the address, for the rate limit: an IPv6 network of 64 bits counts as one */
} Connection;

typedef TAILQ_HEAD(ConnectionList, Connection) ConnectionList;

typedef struct Connections {
    ConnectionList quiet, busy; /* quiet: longest first */
    size_t count, maximum;
    int64_t sweep_due; /* boot ms */
} Connections;

void connections_init(Connections *connections, size_t maximum);

/* A new one. When there are too many, the one that was quiet for longest is cut off: whoever opens connections and says
 * nothing must not lock others out. */
Connection *connection_open(struct Server *server, int fd, const struct sockaddr *peer, int64_t boot_ms);
void connection_close(Connections *connections, Connection *connection);

void connection_reads_body(Connections *connections, Connection *connection, int64_t boot_ms);
void connection_takes_body(Connection *connection); /* a part of it */
void connection_waits(Connection *connection);      /* for us */
void connection_writes(Connections *connections, Connection *connection, int64_t boot_ms);
void connection_rests(Connections *connections, Connection *connection, int64_t boot_ms); /* between two requests */

/* Cuts off all that are late. */
void connections_sweep(Connections *connections, int64_t boot_ms);
/* When connections_sweep should be called next, or TIME_NEVER. */
int64_t connections_deadline(const Connections *connections);

#endif
