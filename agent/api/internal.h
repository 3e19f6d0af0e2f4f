/* SPDX-License-Identifier: Apache-2.0 */
/* The server's state, for the files of this folder. */
#ifndef SENDPOST_API_INTERNAL_H
#define SENDPOST_API_INTERNAL_H

#include "api/connection.h"
#include "api/exchange.h"
#include "api/listener.h"
#include "api/openapi.h"
#include "api/rate_limit.h"
#include "api/refusal.h"
#include "api/scrapes.h"
#include "api/server.h"
#include "api/shapes.h"
#include "api/streams.h"
#include "api/tls.h"
#include "api/websocket.h"
#include "base/limits.h"
#include "metrics/statistics.h"

/* The exchanges that wait, by token: the slot's index and how often it was used, so that a token of before finds
 * nothing. */
typedef struct Slot {
    Exchange *exchange; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
} Slot;

typedef struct Slots {
    Slot *items;
    size_t count, capacity;
    uint32_t first_free; /* SLOT_NONE */
} Slots;
#define SLOT_NONE UINT32_MAX

/* The one that is being made or sent. */
typedef struct CurrentBackup {
    Exchange *exchange; /* NULL: none */
    int64_t made_at;    /* wall ms */
    int64_t taken_at;   /* made_at of one that was taken whole; 0: the loop knows of all */
    int leftover;       /* the descriptor of one that is over, until the loop takes it; -1: none */
} CurrentBackup;

struct Server {
    ServerView view;
    Now now;       /* of the last server_run */
    uint64_t runs; /* how many there were */
    Listener listeners[LISTENERS_MAX];
    size_t listener_count;
    Tls *tls; /* NULL: none of them speaks it */
    Connections connections;
    QueueResponse *queue_response;
    RateLimit *rate_limit; /* of requests */
    RateLimit *guesses;    /* of tokens that are not known */
    HttpStatistics statistics;
    Slots slots;
    ExchangeList commands, fetches, reloads, backups; /* not taken by the loop yet */
    CurrentBackup backup;
    Scrapes scrapes;
    Streams streams;
    int websockets; /* a descriptor that watches them all */
    ShapeContext shapes;
    OpenapiDocument openapi; /* made when it is first asked for */
    char *prefect_url;       /* without credentials */
    int64_t began_boot_ms;   /* the first run */
    size_t answers_size;     /* of the answers that are being sent */
    bool draining;
    bool ended;   /* no request may wait any more */
    bool resumed; /* libmicrohttpd must run at once */
};

uint64_t slots_put(Slots *slots, Exchange *exchange);
Exchange *slots_find(const Slots *slots, uint64_t token); /* NULL: answered already */
Exchange *slots_take(Slots *slots, uint64_t token);

/* Lets the exchange wait in one of the server's lists. */
void server_queue(Server *server, Exchange *exchange, ExchangeList *list);
/* The exchange was answered: on with it. */
void server_resume(Server *server, Exchange *exchange);

/* handlers_backup.c: the exchange is over. */
void backup_completed(Exchange *exchange, bool whole);

int64_t monotonic_us(void);

#endif
