/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on their way from a request to the engine and back; and reloads, to the catalogue and back. */
#ifndef SENDPOST_API_COMMANDS_H
#define SENDPOST_API_COMMANDS_H

#include "api/exchange.h"
#include "engine/actions.h"

/* The command as an event; its texts, keys and run live as long as the exchange. False: the journal cannot say what it
 * is for. */
bool command_fill(Exchange *exchange, Happening *happening, Error *error);

/* Reads the body and the idempotency key (NULL: none). False: answered with 400. */
bool command_read(Exchange *exchange, HappeningKind kind, const char **key);

/* Answers the exchange and leaves an audit record. */
void command_reply(Exchange *exchange, const Reply *reply);
void command_reply_unavailable(Exchange *exchange, const char *detail);

void reload_reply(Exchange *exchange);
void reload_reply_unavailable(Exchange *exchange, const char *detail);

#endif
