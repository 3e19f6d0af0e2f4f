/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes a request, and whether its route is for them. A token comes as "Authorization: Bearer TOKEN"; to a
 * WebSocket, as browsers cannot set headers there, also as the subprotocol "sendpost.bearer.TOKEN" beside "sendpost".
 */
#ifndef SENDPOST_API_CALLER_H
#define SENDPOST_API_CALLER_H

#include "access/tokens.h"
#include <stdbool.h>
#include <stdint.h>

struct Exchange;
struct Server;

typedef struct Caller {
    char *name;                   /* of the token; NULL: there is none, or it is not known */
    char sha256[DIGEST_HEX_SIZE]; /* of it; "" then */
    Role role;                    /* what it may do; of who needs no token: everything */
    bool wrong;                   /* a token was given that is not known */
    bool admitted;                /* it may do what it asks for, or a known one may not */
} Caller;

/* Once the headers were read and the route is known. */
void caller_identify(struct Exchange *exchange);
void caller_release(Caller *caller);

/* 401 without a token that is known, 403 when it may not do this, 429 after too many that are not known. True:
 * answered.
 */
bool caller_refuse(struct Exchange *exchange);

/* For logs, audit records and runs: the token's name, else the client's address. Borrowed. */
const char *caller_name(const struct Exchange *exchange);

/* Clients of one address are told apart by their tokens, so that one of them does not use up what all may ask. */
uint64_t caller_rate_key(const struct Exchange *exchange);

/* Whether who had this token ("": none) may still read, now that there may be other ones. */
bool caller_may_still_read(const struct Server *server, const char sha256[DIGEST_HEX_SIZE]);

#endif
