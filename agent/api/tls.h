/* SPDX-License-Identifier: Apache-2.0 */
/* TLS before libmicrohttpd: it gets one end of a socket pair, and what goes through the other is encrypted here. So
 * everything else sees a plain socket: refusals past libmicrohttpd, streams, WebSockets, deadlines. */
#ifndef SENDPOST_API_TLS_H
#define SENDPOST_API_TLS_H

#include "base/error.h"
#include "metrics/statistics.h"

struct MHD_Daemon;
typedef struct Tls Tls;

Tls *tls_new(const char *certificate_file, const char *key_file, HttpStatistics *statistics, Error *error);
void tls_free(Tls *tls); /* after the daemons; NULL is legal. Says goodbye to clients who have room for it */

/* Accepts connections of a listening socket from now on, for a daemon that has none. */
void tls_listen(Tls *tls, int fd, struct MHD_Daemon *daemon);
/* No new connections: closes the listening sockets. */
void tls_stop(Tls *tls);

/* For the one wait, as those of the server. */
size_t tls_descriptors(const Tls *tls, int *descriptors, size_t maximum);
int64_t tls_deadline(const Tls *tls);

/* New connections and handshakes, a bounded number of them, and the certificate's files. */
void tls_run(Tls *tls, int64_t boot_ms);
/* What clients have sent, to libmicrohttpd; what it has written, to them. */
void tls_pass(Tls *tls);

/* Nothing waits to be sent. */
bool tls_idle(const Tls *tls);
/* Why what the certificate's files hold is not in use; NULL: it is. */
const char *tls_certificate_error(const Tls *tls);

#endif
