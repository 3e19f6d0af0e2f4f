/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on their way from a request to the engine and back; and reloads, to the catalogue and back. */
#ifndef SENDPOST_API_COMMANDS_H
#define SENDPOST_API_COMMANDS_H

#include "api/exchange.h"
#include "engine/actions.h"

/* The command as an event; its texts and keys live as long as the exchange. */
void command_fill(const Exchange *exchange, Happening *happening);

/* Answers the exchange and leaves an audit record. */
void command_reply(Exchange *exchange, const Reply *reply);
void command_reply_unavailable(Exchange *exchange, const char *detail);

void reload_reply(Exchange *exchange);
void reload_reply_unavailable(Exchange *exchange, const char *detail);

#endif
