/* SPDX-License-Identifier: Apache-2.0 */
#include "api/event_feed.h"
#include "api/shapes.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum { DATA_MAX = 64 * 1024 };

void event_feed_init(EventFeed *feed)
{
    *feed = (EventFeed){.recent = memory_new(EVENTS_RECENT_MAX * sizeof *feed->recent)};
}

static RecentEvent *recent_at(const EventFeed *feed, size_t index)
{
    return &feed->recent[(feed->first + index) % EVENTS_RECENT_MAX];
}

static void recent_release(RecentEvent *event)
{
    free(event->sendpost);
    free(event->run);
    free(event->data);
}

static void recent_clear(EventFeed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        recent_release(recent_at(feed, i));
    }
    feed->count = 0;
}

void event_feed_release(EventFeed *feed)
{
    recent_clear(feed);
    free(feed->recent);
    *feed = (EventFeed){0};
}

void event_data(Buffer *out, const char *type, const EventRecord *event)
{
    JsonWriter writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_write_integer(&writer, "id", event->id);
    json_write_text(&writer, "type", type);
    shape_time(&writer, "at", event->at);
    json_write_text(&writer, "sendpost", event->sendpost);
    json_write_text(&writer, "run", event->run);
    json_write_text(&writer, "stage", event->stage);
    json_write_text(&writer, "from", event->from);
    json_write_text(&writer, "to", event->to);
    json_write_text(&writer, "reason", event->reason);
    json_end_object(&writer);
}

static char *data_of(const EventRecord *event)
{
    Buffer data;
    buffer_init(&data, DATA_MAX);
    event_data(&data, event_type_names[event->type], event);
    return buffer_take(&data);
}

void event_feed_publish(EventFeed *feed, const EventRecord *events, size_t count, bool followed)
{
    if (!followed) {
        recent_clear(feed);
        feed->newest = count ? events[count - 1].id : feed->newest;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (feed->count == EVENTS_RECENT_MAX) {
            recent_release(recent_at(feed, 0));
            feed->first = (feed->first + 1) % EVENTS_RECENT_MAX;
            feed->count--;
        }
        *recent_at(feed, feed->count++) = (RecentEvent){
            .id = events[i].id,
            .type = events[i].type,
            .sendpost = text_copy(events[i].sendpost),
            .run = text_copy(events[i].run),
            .data = data_of(&events[i]),
        };
        feed->newest = events[i].id;
    }
}

static bool passes(const EventFilter *filter, const char *sendpost, const char *run)
{
    return (!filter->sendpost || text_equal(filter->sendpost, sendpost)) &&
           (!filter->run || text_equal(filter->run, run));
}

static void read_recent(const EventFeed *feed, const EventFilter *filter, int64_t *cursor, EventSink *sink, void *user)
{
    size_t at = feed->count;
    while (at > 0 && recent_at(feed, at - 1)->id > *cursor) {
        at--;
    }
    for (bool more = true; more && at < feed->count; at++) {
        const RecentEvent *event = recent_at(feed, at);
        *cursor = event->id;
        if (passes(filter, event->sendpost, event->run)) {
            more = sink(user, event->id, event_type_names[event->type], event->data);
        }
    }
}

typedef struct Replay {
    EventFeed *feed;
    const EventFilter *filter;
    EventSink *sink;
    void *user;
} Replay;

static bool replay_event(void *user, const EventRecord *event)
{
    Replay *replay = user;
    replay->feed->replay_left--;
    if (!passes(replay->filter, event->sendpost, event->run)) {
        return true;
    }
    auto_free char *data = data_of(event);
    return replay->sink(replay->user, event->id, event_type_names[event->type], data);
}

/* What cannot be for this reader is not looked at: the history of one run is a small part of all. */
static void skip(const EventFeed *feed, const EventFilter *filter, int64_t *cursor)
{
    if (*cursor < filter->first - 1) {
        *cursor = filter->first - 1;
    }
    if (filter->last && *cursor >= filter->last) {
        *cursor = feed->newest;
    }
}

bool event_feed_read(EventFeed *feed, Journal *journal, const EventFilter *filter, int64_t *cursor, EventSink *sink,
                     void *user, Error *error)
{
    skip(feed, filter, cursor);
    if (*cursor >= feed->newest) {
        return true;
    }
    if (feed->count > 0 && *cursor >= recent_at(feed, 0)->id - 1) {
        read_recent(feed, filter, cursor, sink, user);
        return true;
    }
    Replay replay = {feed, filter, sink, user};
    int64_t left = filter->last ? filter->last - *cursor : INT64_MAX;
    size_t limit = left < (int64_t)feed->replay_left ? (size_t)left : feed->replay_left;
    return limit == 0 || journal_each_event(journal, cursor, limit, replay_event, &replay, error);
}
