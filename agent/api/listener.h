/* SPDX-License-Identifier: Apache-2.0 */
/* One address that we listen on: its socket and its libmicrohttpd daemon, run by our loop. */
#ifndef SENDPOST_API_LISTENER_H
#define SENDPOST_API_LISTENER_H

#include "api/tls.h"
#include "base/error.h"
#include <microhttpd.h>
#include <sys/stat.h>

struct Server;

typedef struct Listener {
    struct Server *server;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    char *address;    /* "127.0.0.1:9847", "[::1]:9847", "unix:/path": with the port that it got */
    char *name;       /* of the host, as a Host header has it; NULL for a local socket */
    bool secure;      /* TLS */
    bool loopback;    /* a TCP address that only this machine reaches */
    bool probes_only; /* serves /metrics and /-/ alone */
    char *path;       /* of a local socket, else NULL */
    dev_t device;     /* the local socket's file, to remove only our own */
    ino_t inode;
} Listener;

/* host:port, [v6]:port or unix:/path; a TCP one speaks TLS unless that is NULL. A local socket that nobody answers on
 * any more is replaced. `listener` must stay where it is. */
bool listener_open(Listener *listener, struct Server *server, const char *address, bool probes_only, Tls *tls,
                   Error *error);
void listener_stop(Listener *listener);  /* no new connections; removes a local socket's file */
void listener_close(Listener *listener); /* legal on a zeroed one. No connection may be suspended */

#endif
