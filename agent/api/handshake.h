/* SPDX-License-Identifier: Apache-2.0 */
/* The opening of a WebSocket (RFC 6455, 4.2). */
#ifndef SENDPOST_API_HANDSHAKE_H
#define SENDPOST_API_HANDSHAKE_H

#include "api/exchange.h"

/* False: it was answered, as it is none, or one that is not welcome. */
bool handshake_check(Exchange *exchange);
/* Answers 101; `begin` is called with the connection when that has been sent. */
void handshake_answer(Exchange *exchange, MHD_UpgradeHandler begin, void *user);

#endif
