/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of events as WebSockets: the socket is ours from the handshake on until it is given back to libmicrohttpd. */
#ifndef SENDPOST_API_WEBSOCKET_H
#define SENDPOST_API_WEBSOCKET_H

#include "base/error.h"
#include <stdbool.h>

struct Server;

/* What all of them are watched by: a descriptor to be waited for, or -1. */
int websockets_open(Error *error);
/* Reads and writes what can be. */
void websockets_run(struct Server *server);
/* Gives all sockets back, whatever their clients have got. */
void websockets_let_go(struct Server *server);

#endif
