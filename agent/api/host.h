/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a request may use for us. Against DNS rebinding: a page that makes its own name point to 127.0.0.1 still
 * sends its name. */
#ifndef SENDPOST_API_HOST_H
#define SENDPOST_API_HOST_H

#include "configuration/configuration.h"

/* The Host header's name without its port: in brackets for IPv6. False when it is malformed. */
bool host_split(const char *header, const char **name, size_t *length);

/* On a loopback listener: localhost, 127.0.0.1, [::1], the name it listens on, http.hosts, and that of
 * http.external_url. */
bool host_allowed(const char *header, const char *listen_name, const Configuration *configuration);

/* A request with an Origin: the one that the Host header names, that of http.external_url, or one of http.cors_origins.
 */
bool origin_allowed(const char *origin, const char *host_header, const Configuration *configuration);

#endif
