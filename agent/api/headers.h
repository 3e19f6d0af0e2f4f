/* SPDX-License-Identifier: Apache-2.0 */
/* The request headers that we look at, and what is wrong with them. */
#ifndef SENDPOST_API_HEADERS_H
#define SENDPOST_API_HEADERS_H

#include "base/buffer.h"
#include "base/error.h"
#include <microhttpd.h>

/* Borrowed for as long as the request lives; NULL when absent. */
typedef struct Headers {
    const char *host, *origin, *content_type, *content_length, *transfer_encoding, *expect, *idempotency_key,
        *if_none_match, *last_event_id, *signature, *timestamp, /* the last two of a webhook */
        *authorization;                                         /* a secret: for caller.c alone */
} Headers;

/* How much of the connection's memory the head of the request takes. */
size_t headers_size(struct MHD_Connection *connection);

/* False: the request could be understood in two ways (or has no Host): it must be refused and its connection closed.
 * `method` and `version` as libmicrohttpd gives them: they are part of what it has read. */
bool headers_read(struct MHD_Connection *connection, const char *method, const char *version, Headers *headers,
                  Error *error);

/* One header line, for headers_read. False: refused. */
bool headers_add(Headers *headers, const char *name, const char *value, Error *error);
/* What all lines together must be. */
bool headers_check(const Headers *headers, Error *error);

/* A list that may come in several lines: joined by commas, empty when absent. */
void headers_join(struct MHD_Connection *connection, const char *name, Buffer *joined);

/* Whether a rule of api/negotiation.h says so of such a list. */
bool headers_prefer(struct MHD_Connection *connection, const char *name, bool (*rule)(const char *list));
/* Whether If-None-Match names this ETag (quoted), as a strong or a weak one: the client has it. */
bool headers_match_etag(const Headers *headers, const char *etag);

/* Its sender waits before it sends the body. */
bool headers_expect_continue(const Headers *headers);

/* application/json, with or without parameters. */
bool headers_say_json(const Headers *headers);

#endif
