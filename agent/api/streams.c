/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that libmicrohttpd has suspended is not watched: that its client is gone is found out here, by looking
 * at all of them together every now and then. */
#include "api/streams.h"
#include "api/answer.h"
#include "api/internal.h"
#include "base/memory.h"
#include "base/text.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

enum {
    LOOK_MS = 2000,
    END_MS = 1000, /* for a client to take what was on its way when the end came */
    RESET_DATA_MAX = 1024,
};

void streams_init(Streams *streams)
{
    TAILQ_INIT(&streams->all);
    TAILQ_INIT(&streams->hungry);
    event_feed_init(&streams->feed);
    streams->look_at = TIME_NEVER;
}

void streams_release(Streams *streams)
{
    event_feed_release(&streams->feed);
}

/* --- one --- */

static size_t streams_maximum(const Server *server)
{
    size_t half = server->connections.maximum / 2;
    return half < EVENT_STREAMS_MAX ? half : EVENT_STREAMS_MAX;
}

static bool refuse(Exchange *exchange)
{
    const Server *server = exchange->server;
    if (server->draining) {
        answer_unavailable(exchange, "the agent is shutting down");
    } else if (server->statistics.event_streams >= streams_maximum(server)) {
        answer_unavailable(exchange, "too many streams of events are open");
    }
    return exchange->answer != NULL;
}

bool stream_position(Exchange *exchange, StreamPosition *position)
{
    const char *after = exchange_query(exchange, "after"), *last = exchange->headers.last_event_id;
    int64_t id = -1;
    if (refuse(exchange)) {
        return false;
    }
    if (after && !text_to_integer(after, 0, INT64_MAX, &id)) {
        answer_problem(exchange, 400, "after must be the id of an event, or 0");
        return false;
    }
    /* What a browser came to by itself is newer than what its page asked for. */
    bool named = after || (last && *last);
    if (last && *last && !text_to_integer(last, 0, INT64_MAX, &id)) {
        id = -1;
    }
    bool found = false;
    int64_t newest = 0;
    Error error = {0};
    if (!journal_find_event(exchange->server->view.journal, id, &found, &newest, &error)) {
        answer_unavailable(exchange, error.text);
        return false;
    }
    exchange->server->streams.feed.newest = newest;
    position->reset = named && id != 0 && !found;
    position->cursor = named && id >= 0 && id < newest ? id : newest;
    return true;
}

/* So that little is on its way to who does not read, and who is gone without a word is noticed. Neither is needed. */
static void limit_socket(int fd)
{
    int size = STREAM_SOCKET_MAX;
    unsigned patience_ms = 2000U * STREAM_HEARTBEAT_SECONDS;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
}

static void schedule_heartbeat(Stream *stream, int64_t boot_ms)
{
    stream->heartbeat_at = boot_ms + (int64_t)STREAM_HEARTBEAT_SECONDS * 1000;
    TAILQ_INSERT_TAIL(&stream->server->streams.all, stream, link);
}

static void tell_of_reset(Stream *stream)
{
    auto_buffer data;
    buffer_init(&data, RESET_DATA_MAX);
    event_data(&data, "reset", &(EventRecord){.id = stream->cursor, .at = stream->server->now.wall_ms});
    stream->kind->event(stream, stream->cursor, "reset", data.bytes);
}

void stream_open(Stream *stream, Exchange *exchange, const StreamKind *kind, const StreamPosition *position,
                 EventFilter filter)
{
    Server *server = exchange->server;
    stream->server = server;
    stream->kind = kind;
    stream->fd = exchange->connection->fd;
    stream->filter = filter;
    memcpy(stream->token, exchange->caller.sha256, sizeof stream->token);
    stream->cursor = position->cursor;
    stream->took_at = server->now.boot_ms;
    exchange->stream = stream;
    limit_socket(stream->fd);
    schedule_heartbeat(stream, server->now.boot_ms);
    server->statistics.event_streams++;
    if (server->streams.look_at == TIME_NEVER) {
        server->streams.look_at = server->now.boot_ms + LOOK_MS;
    }
    if (position->reset) {
        tell_of_reset(stream);
    }
}

void stream_close(Stream *stream)
{
    Streams *streams = &stream->server->streams;
    TAILQ_REMOVE(&streams->all, stream, link);
    if (stream->hungry) {
        TAILQ_REMOVE(&streams->hungry, stream, hungry_link);
    }
    free(stream->filter.sendpost);
    free(stream->filter.run);
    stream->server->statistics.event_streams--;
}

static void feed_if_hungry(Stream *stream)
{
    Streams *streams = &stream->server->streams;
    if (stream->idle && !stream->hungry && !stream->ended && stream->cursor < streams->feed.newest) {
        stream->hungry = true;
        TAILQ_INSERT_TAIL(&streams->hungry, stream, hungry_link);
    }
}

void stream_took(Stream *stream, bool all)
{
    stream->took_at = stream->server->now.boot_ms;
    stream->idle = all;
    stream->given = all ? 0 : stream->given;
    feed_if_hungry(stream);
}

/* libmicrohttpd, or the kind, sees the end of the connection then. */
static void cut(Stream *stream)
{
    shutdown(stream->fd, SHUT_RDWR);
    if (stream->idle) {
        stream->idle = false;
        stream->kind->send(stream);
    }
}

/* --- all --- */

void streams_publish(Server *server, const EventRecord *events, size_t count)
{
    Stream *stream;
    event_feed_publish(&server->streams.feed, events, count, !TAILQ_EMPTY(&server->streams.all));
    TAILQ_FOREACH(stream, &server->streams.all, link)
    {
        feed_if_hungry(stream);
    }
}

static void stream_send(Stream *stream)
{
    stream->took_at = stream->idle ? stream->server->now.boot_ms : stream->took_at;
    stream->idle = false;
    stream->kind->send(stream);
}

static bool take(void *user, int64_t id, const char *type, const char *data)
{
    Stream *stream = user;
    stream->kind->event(stream, id, type, data);
    stream->given += strlen(data);
    return stream->given < STREAM_WAITING_MAX;
}

static void give(Stream *stream)
{
    Server *server = stream->server;
    Error error = {0};
    TAILQ_REMOVE(&server->streams.hungry, stream, hungry_link);
    stream->hungry = false;
    if (!event_feed_read(&server->streams.feed, server->view.journal, &stream->filter, &stream->cursor, take, stream,
                         &error)) {
        stream->ended = true; /* its client can come back with the last id */
        stream->idle = false;
        stream->kind->end(stream);
    } else if (stream->given > 0) {
        stream_send(stream);
    } else {
        feed_if_hungry(stream);
    }
}

static void beat(Stream *stream, int64_t boot_ms)
{
    Server *server = stream->server;
    bool took = boot_ms - stream->took_at < (int64_t)STREAM_HEARTBEAT_SECONDS * 1000;
    TAILQ_REMOVE(&server->streams.all, stream, link);
    schedule_heartbeat(stream, boot_ms);
    if (stream->ended) {
        cut(stream);
    } else if (stream->idle) {
        stream->kind->heartbeat(stream);
        stream_send(stream);
    } else if (!took) {
        server->statistics.event_streams_dropped++;
        stream->ended = true;
        cut(stream);
    }
}

static void look(Server *server)
{
    Streams *streams = &server->streams;
    size_t count = 0, maximum = server->statistics.event_streams;
    auto_free struct pollfd *waits = memory_new((maximum + 1) * sizeof *waits);
    Stream *stream;
    TAILQ_FOREACH(stream, &streams->all, link)
    {
        waits[count++] = (struct pollfd){.fd = stream->fd, .events = POLLRDHUP};
    }
    bool any = poll(waits, count, 0) > 0;
    count = 0;
    TAILQ_FOREACH(stream, &streams->all, link)
    {
        if (any && waits[count++].revents && stream->idle) {
            stream->ended = true;
            cut(stream);
        }
    }
    streams->look_at = maximum ? server->now.boot_ms + LOOK_MS : TIME_NEVER;
}

void streams_run(Server *server)
{
    Streams *streams = &server->streams;
    int64_t boot_ms = server->now.boot_ms;
    Stream *stream;
    if (boot_ms >= streams->look_at) {
        look(server);
    }
    for (int i = 0; i < STREAMS_SERVED_MAX; i++) {
        stream = TAILQ_FIRST(&streams->all);
        if (!stream || stream->heartbeat_at > boot_ms) {
            break;
        }
        beat(stream, boot_ms);
    }
    streams->feed.replay_left = EVENTS_REPLAYED_MAX;
    for (int i = 0; i < STREAMS_SERVED_MAX && streams->feed.replay_left; i++) {
        stream = TAILQ_FIRST(&streams->hungry);
        if (!stream) {
            break;
        }
        give(stream);
    }
}

int64_t streams_deadline(const Streams *streams, int64_t boot_ms)
{
    const Stream *first = TAILQ_FIRST(&streams->all);
    if (!TAILQ_EMPTY(&streams->hungry)) {
        return boot_ms;
    }
    int64_t deadline = first ? first->heartbeat_at : TIME_NEVER;
    return first && streams->look_at < deadline ? streams->look_at : deadline;
}

/* It stands first: what is due before it may wait for that long. */
static void end(Stream *stream)
{
    Streams *streams = &stream->server->streams;
    stream->ended = true;
    stream->heartbeat_at = stream->server->now.boot_ms + END_MS;
    TAILQ_REMOVE(&streams->all, stream, link);
    TAILQ_INSERT_HEAD(&streams->all, stream, link);
    if (stream->hungry) {
        TAILQ_REMOVE(&streams->hungry, stream, hungry_link);
        stream->hungry = false;
    }
    stream->kind->end(stream);
    stream->idle = false;
}

static void end_all(Server *server, bool unknown_only)
{
    for (Stream *stream = TAILQ_FIRST(&server->streams.all), *next; stream; stream = next) {
        next = TAILQ_NEXT(stream, link);
        if (!stream->ended && (!unknown_only || !caller_may_still_read(server, stream->token))) {
            end(stream);
        }
    }
}

void streams_end(Server *server)
{
    end_all(server, false);
}

void streams_end_unknown(Server *server)
{
    end_all(server, true);
}
