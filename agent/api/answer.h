/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the answer of an exchange. It is sent when its handler returns, or, when the exchange waits, as soon as
 * libmicrohttpd runs again. An exchange is answered once. */
#ifndef SENDPOST_API_ANSWER_H
#define SENDPOST_API_ANSWER_H

#include "api/exchange.h"

extern const char media_json[]; /* "application/json" */

/* Takes the buffer's bytes. */
void answer(Exchange *exchange, int status, const char *media_type, Buffer *body);
/* Without what keeps data from being shown or stored: a file for browsers, with a Content-Security-Policy of its own.
 * It may be kept, and asked for anew each time. */
void answer_file(Exchange *exchange, int status, const char *media_type, const char *policy,
                 struct MHD_Response *response);
/* A text that outlives the answer. */
void answer_constant(Exchange *exchange, int status, const char *media_type, const char *text);
void answer_response(Exchange *exchange, int status, const char *media_type, struct MHD_Response *response);
/* Of HEAD, for an answer whose length is not known beforehand. */
void answer_head(Exchange *exchange, const char *media_type);
/* Further headers of an answer that was made. */
void answer_header(Exchange *exchange, const char *name, const char *value);
void answer_retry_after(Exchange *exchange, int seconds);

void answer_problem(Exchange *exchange, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One with further members: ends it and takes its body. */
void answer_problem_of(Exchange *exchange, Problem *problem);
/* 503: try again in a moment. */
void answer_unavailable(Exchange *exchange, const char *detail);

#endif
