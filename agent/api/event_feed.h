/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, in order of its ids, for any number of readers: the newest events are kept in memory as the JSON that
 * goes out, once for all; readers that are further behind, or begin further back, get theirs from the journal, a
 * bounded number in each run of the server. */
#ifndef SENDPOST_API_EVENT_FEED_H
#define SENDPOST_API_EVENT_FEED_H

#include "base/buffer.h"
#include "journal/journal.h"

typedef struct RecentEvent {
    int64_t id;
    EventType type;
    char *sendpost, *run, *data;
} RecentEvent;

typedef struct EventFeed {
    RecentEvent *recent; /* a ring of EVENTS_RECENT_MAX */
    size_t first, count;
    int64_t newest;     /* id */
    size_t replay_left; /* events that may be read from the journal in this run of the server */
} EventFeed;

/* Which events a reader gets: NULL is any. Texts are the reader's. */
typedef struct EventFilter {
    char *sendpost, *run;
    int64_t first, last; /* ids between which all of them lie; 0: not known */
} EventFilter;

void event_feed_init(EventFeed *feed);
void event_feed_release(EventFeed *feed);

/* Those of one commit. followed: somebody reads; else they are left to the journal. */
void event_feed_publish(EventFeed *feed, const EventRecord *events, size_t count, bool followed);

/* Gives what comes after *cursor and passes the filter, until the sink says that it has enough, or all was given, or
 * replay_left is used up. *cursor follows. False: the journal cannot be read. */
typedef bool EventSink(void *user, int64_t id, const char *type, const char *data);
bool event_feed_read(EventFeed *feed, Journal *journal, const EventFilter *filter, int64_t *cursor, EventSink *sink,
                     void *user, Error *error);

/* The contract's `data`: {"id": ..., "type": ..., ...}. */
void event_data(Buffer *out, const char *type, const EventRecord *event);

#endif
