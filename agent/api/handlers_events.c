/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events. While there is nothing to send libmicrohttpd's connection is suspended, from within the reading
 * of its answer, and its thread of life is the stream. */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/run_answer.h"
#include "api/run_view.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

static const char media_events[] = "text/event-stream";

enum {
    BLOCK_SIZE = 1, /* of the answer's own memory, which is not used */
    TEXT_MAX = 2 * STREAM_WAITING_MAX + (64 * 1024),
};

typedef struct EventSource {
    Stream stream; /* first: one is the other */
    struct MHD_Connection *mhd;
    Buffer text; /* to be sent, from `sent` on */
    size_t sent;
    bool suspended;
} EventSource;

static void add_event(Stream *stream, int64_t id, const char *type, const char *data)
{
    buffer_format(&((EventSource *)stream)->text, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)id, type, data);
}

static void add_heartbeat(Stream *stream)
{
    buffer_text(&((EventSource *)stream)->text, ":\n\n");
}

static void go_on(Stream *stream)
{
    EventSource *source = (EventSource *)stream;
    if (source->suspended) {
        source->suspended = false;
        stream->server->resumed = true;
        MHD_resume_connection(source->mhd);
    }
}

static void source_free(Stream *stream)
{
    buffer_release(&((EventSource *)stream)->text);
    free(stream);
}

static const StreamKind event_source = {
    .event = add_event, .heartbeat = add_heartbeat, .send = go_on, .end = go_on, .free = source_free};

static ssize_t source_read(void *user, uint64_t position, char *out, size_t size)
{
    (void)position;
    EventSource *source = user;
    size_t left = source->text.length - source->sent;
    if (left == 0 && source->stream.ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    stream_took(&source->stream, left == 0);
    if (left == 0) {
        source->suspended = true;
        MHD_suspend_connection(source->mhd);
        return 0;
    }
    size_t length = left < size ? left : size;
    memcpy(out, source->text.bytes + source->sent, length);
    source->sent += length;
    if (length == left) {
        buffer_release(&source->text);
        buffer_init(&source->text, TEXT_MAX);
        source->sent = 0;
    }
    return (ssize_t)length;
}

/* Whether a stream begins; else it was answered. */
static bool begins(Exchange *exchange, StreamPosition *position)
{
    if (!stream_position(exchange, position)) {
        return false;
    }
    if (exchange->head) {
        answer_head(exchange, media_events);
    }
    return !exchange->head;
}

static void answer_events(Exchange *exchange, EventFilter filter)
{
    StreamPosition position;
    if (!begins(exchange, &position)) {
        free(filter.sendpost);
        free(filter.run);
        return;
    }
    EventSource *source = memory_new(sizeof *source);
    source->mhd = exchange->mhd;
    buffer_init(&source->text, TEXT_MAX);
    add_heartbeat(&source->stream); /* what a client shows as connected */
    stream_open(&source->stream, exchange, &event_source, &position, filter);
    answer_response(exchange, 200, media_events,
                    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, source_read, source, NULL));
    answer_header(exchange, "X-Accel-Buffering", "no");
}

void handle_events(Exchange *exchange)
{
    answer_events(exchange, (EventFilter){.sendpost = text_copy(exchange_query(exchange, "sendpost"))});
}

void handle_run_events(Exchange *exchange)
{
    RunView view;
    Error error = {0};
    if (!exchange_run_id(exchange)) {
        return;
    }
    if (run_view_open(&exchange->server->view, exchange->run_id, &view, &error)) {
        const RunRecord *record = &view.run->record;
        EventFilter filter = {NULL, text_copy(record->id), record->first_event, record->last_event};
        run_view_release(&view);
        answer_events(exchange, filter);
    } else if (error.kind == ERROR_NOT_FOUND) {
        answer_problem(exchange, 404, "there is no run %s", exchange->run_id);
    } else {
        answer_unavailable(exchange, error.text);
    }
}
