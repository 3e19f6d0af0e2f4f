/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that do not go through libmicrohttpd: to a client that is late, and to what libmicrohttpd refuses by itself,
 * which it would do in HTML. */
#ifndef SENDPOST_API_REFUSAL_H
#define SENDPOST_API_REFUSAL_H

#include "api/connection.h"
#include <microhttpd.h>

/* Writes a whole problem, if there is room for it. */
void refusal_send(int fd, int status, const char *detail);

/* The same, and ends the connection; nothing of an answer may have been sent before. */
void connection_refuse(Connection *connection, int status, const char *detail);

/* MHD_queue_response of libmicrohttpd, for our handlers: the function of that name is defined in this module, and means
 * that libmicrohttpd itself refuses. */
typedef enum MHD_Result QueueResponse(struct MHD_Connection *mhd, unsigned status, struct MHD_Response *response);
QueueResponse *queue_response_find(void);

#endif
