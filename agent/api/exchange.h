/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer. It is born when the headers are complete, collects the body, is given to its route's
 * handler, which answers it or lets it wait (suspended) for the commit or for Prefect, and ends when the answer has
 * been sent or the client is gone. */
#ifndef SENDPOST_API_EXCHANGE_H
#define SENDPOST_API_EXCHANGE_H

#include "api/body.h"
#include "api/caller.h"
#include "api/connection.h"
#include "api/headers.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/run_view.h"
#include "prefect/client.h"
#include <microhttpd.h>

struct Server;
struct Listener;
struct DeploymentSearch;
struct Stream;

typedef struct QueryParameter {
    char *name, *value;
} QueryParameter;

enum { REQUEST_KEYS_MAX = 2 };

typedef struct Exchange {
    TAILQ_ENTRY(Exchange) link; /* in one of the server's queues */
    struct Server *server;
    struct Listener *listener;
    Connection *connection;
    struct MHD_Connection *mhd;
    const char *version; /* "HTTP/1.1" */
    bool head;           /* HEAD: the answer's body is not sent */
    Match match;
    Path path;
    Headers headers;
    char *authority; /* that the request line named, instead of the Host header; NULL: none */
    Caller caller;
    bool audited;
    QueryParameter *query;
    size_t query_count;
    Buffer body;
    size_t discarded;
    int64_t began_us; /* monotonic */
    uint64_t token;   /* while it waits; 0 else */
    bool waiting;
    int status; /* of the answer; 0: none yet */
    struct MHD_Response *answer;
    size_t answer_size; /* in memory until it is sent */

    CommandBody command;
    RequestKey keys[REQUEST_KEYS_MAX]; /* the signature of a webhook, the idempotency key */
    size_t key_count;
    char *scope, *signature_scope; /* what they belong to */
    char signature[DIGEST_HEX_SIZE];
    char digest[DIGEST_HEX_SIZE];
    char run_id[UUID_SIZE];     /* the new run's, or the one that a verb is for */
    char new_run_id[UUID_SIZE]; /* what a verb makes of it */
    RunView ended;              /* the one that a verb is for, when only the journal has it */

    char *fetch_path, *fetch_body; /* what Prefect is asked */
    void (*fetched)(struct Exchange *exchange, const PrefectFetched *fetched);
    struct DeploymentSearch *search;
    char *kept; /* an earlier reply, as JSON */

    struct Stream *stream; /* owned: the answer goes on for as long as its client stays */
} Exchange;

typedef TAILQ_HEAD(ExchangeList, Exchange) ExchangeList;

/* libmicrohttpd's callbacks; user is the Listener. */
enum MHD_Result exchange_handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **context);
void exchange_completed(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);
void exchange_connection(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_ConnectionNotificationCode code);

const char *exchange_query(const Exchange *exchange, const char *name); /* NULL when absent */
/* ?limit=: within 1 .. maximum. False: answered with 400. */
bool exchange_limit(Exchange *exchange, int64_t fallback, int64_t maximum, size_t *limit);
/* A bit for each of the comma-separated names in every ?state=; 0: there is none. False: answered with 400. */
bool exchange_states(Exchange *exchange, uint32_t *states);

#endif
