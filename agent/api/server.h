/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP API on libmicrohttpd, in the one loop (external epoll). Reads are answered at once from the engine's views
 * and the journal; commands become happenings, their connections wait suspended until the loop has committed and gives
 * the reply. Contract: http.md. Routes are one table: method, path, handler, name for the metrics. */
#ifndef SENDPOST_API_SERVER_H
#define SENDPOST_API_SERVER_H

#include "access/token_file.h"
#include "catalogue/catalogue.h"
#include "configuration/configuration.h"
#include "engine/engine.h"
#include "journal/journal.h"
#include "metrics/exposition.h"
#include "prefect/client.h"

/* What handlers read. All borrowed; `engine` may be exchanged (server_set_engine) when it was built again from the
 * journal. */
typedef struct ServerView {
    const Configuration *configuration;
    Engine *engine;
    Journal *journal;
    Catalogue *catalogue;
    const TokenFile *tokens; /* NULL: nobody needs one */
    const PrefectStatistics *prefect;
    const Standing *references;
    const Inventory *inventory; /* NULL: not enabled */
    const LoopStatistics *loop;
    const char *namespace;
    int64_t started_at;
} ServerView;

typedef struct Server Server;

/* Starts listening on all of configuration->http_listen. */
Server *server_new(const ServerView *view, Error *error);
void server_free(Server *server);
void server_set_engine(Server *server, Engine *engine);

/* For the one wait: the descriptors to watch for reading, and the boot time by which server_run must be called. */
size_t server_descriptors(const Server *server, int *descriptors, size_t maximum);
int64_t server_deadline(const Server *server, Now now);
/* Handles what is readable; never waits. Handlers run in here, between turns of the engine. */
void server_run(Server *server, Now now);

/* The next command to step, or false. Its texts are valid until its token is answered. A command whose idempotency key
 * the journal has is answered here. */
bool server_take_command(Server *server, Happening *happening);
void server_reply(Server *server, const Reply *given);
/* 503 with Retry-After: the journal cannot write. */
void server_reply_unavailable(Server *server, uint64_t token, const char *detail);

/* The next question to Prefect on behalf of /v1/prefect/..., or false. Texts are valid until server_fetched. */
typedef struct ServerFetch {
    uint64_t token;
    const char *path, *body;
} ServerFetch;
bool server_take_fetch(Server *server, ServerFetch *fetch);
void server_fetched(Server *server, const PrefectFetched *fetched);

/* The next request to read the definitions anew, or false; and its answer when what was found is in force. */
bool server_take_reload(Server *server, uint64_t *token);
void server_reloaded(Server *server, uint64_t token);
void server_reload_unavailable(Server *server, uint64_t token, const char *detail);

/* Other tokens are in force: streams of those that are not any more end. */
void server_tokens_changed(Server *server);

/* The next request for a copy of the journal, or false; its answer, which takes the descriptor over; whether one was
 * taken whole since the last call; and the descriptor of one that is over, which is the caller's to close (-1: none).
 */
bool server_take_backup(Server *server, uint64_t *token);
void server_backup_made(Server *server, uint64_t token, int fd, int64_t size);
void server_backup_failed(Server *server, uint64_t token, bool no_room, const char *detail);
bool server_backup_taken(Server *server, int64_t *made_at);
int server_backup_leftover(Server *server);

/* Events that were committed: for those who follow them. */
void server_publish(Server *server, const EventRecord *events, size_t count);

/* Shutting down: no new connections, streams end, new commands answered 503. True from server_idle once all replies are
 * out. */
void server_drain(Server *server);
bool server_idle(const Server *server);

/* The address that the first listener got (a port of 0 is chosen by the system): "127.0.0.1:9847". */
const char *server_address(const Server *server);
const HttpStatistics *server_statistics(const Server *server);

#endif
