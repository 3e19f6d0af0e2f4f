/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are told what happens, for as long as they stay. A stream is little more than the id up to which its
 * client was told: what comes next it takes from the feed when the client has taken what it was given before, so that
 * one which is slow costs no memory. How the events are sent is the stream's kind. */
#ifndef SENDPOST_API_STREAMS_H
#define SENDPOST_API_STREAMS_H

#include "api/event_feed.h"
#include "api/exchange.h"

struct Stream;

typedef struct StreamKind {
    void (*event)(struct Stream *stream, int64_t id, const char *type, const char *data); /* to be sent */
    void (*heartbeat)(struct Stream *stream);
    void (*send)(struct Stream *stream); /* what was given */
    void (*end)(struct Stream *stream);  /* nothing more will come */
    void (*free)(struct Stream *stream); /* after stream_close */
} StreamKind;

typedef struct Stream {
    TAILQ_ENTRY(Stream) link; /* by heartbeat_at */
    TAILQ_ENTRY(Stream) hungry_link;
    struct Server *server;
    const StreamKind *kind;
    int fd;
    EventFilter filter;
    char token[DIGEST_HEX_SIZE];   /* of its client, by digest; "": none */
    int64_t cursor;                /* the last event that it got, or that was not for it */
    int64_t heartbeat_at, took_at; /* boot ms; since then its client has taken nothing of what it was given */
    size_t given;                  /* since it was last idle */
    bool idle;                     /* all that it was given was taken */
    bool hungry;                   /* there is more to give, and it is idle: in that list */
    bool ended;
} Stream;

typedef TAILQ_HEAD(StreamList, Stream) StreamList;

typedef struct Streams {
    StreamList all, hungry;
    EventFeed feed;
    int64_t look_at; /* boot ms: whether clients are still there */
} Streams;

void streams_init(Streams *streams);
void streams_release(Streams *streams); /* all are closed */

/* Where a client wants to begin, by Last-Event-ID or ?after=: else now. False: it was answered, as it is refused. */
typedef struct StreamPosition {
    int64_t cursor;
    bool reset; /* the journal does not have the id that was named */
} StreamPosition;
bool stream_position(Exchange *exchange, StreamPosition *position);

/* Begins a zeroed stream, which its exchange owns from now on. The filter's texts are taken over. */
void stream_open(Stream *stream, Exchange *exchange, const StreamKind *kind, const StreamPosition *position,
                 EventFilter filter);
void stream_close(Stream *stream);

/* Its client took something; all of it: it is idle. */
void stream_took(Stream *stream, bool all);

/* Events were committed. */
void streams_publish(struct Server *server, const EventRecord *events, size_t count);
/* Gives to those that can take, a bounded number of them; drops who does not read. */
void streams_run(struct Server *server);
/* The boot time by which streams_run should be called, or TIME_NEVER. */
int64_t streams_deadline(const Streams *streams, int64_t boot_ms);
/* All are told that this is the end. */
void streams_end(struct Server *server);
/* Those are whose tokens are not in force any more. */
void streams_end_unknown(struct Server *server);

#endif
