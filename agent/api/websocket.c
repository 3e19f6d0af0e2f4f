/* SPDX-License-Identifier: Apache-2.0 */
/* Clients have nothing to say here: their messages are thrown away as they come. But they may ask (ping) and say
 * goodbye, which wslay answers by itself; so that such answers cannot pile up, nothing is read while there is something
 * to be sent, and little at a time. wslay keeps 8 kB for each of them, more than all else of a stream that is ours: so
 * it is only there while a message is under way, in or out. */
#include "api/websocket.h"
#include "api/answer.h"
#include "api/handlers.h"
#include "api/handshake.h"
#include "api/internal.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <wslay/wslay.h>

enum { READ_MAX = 1024, READY_MAX = 64 };

typedef struct WebSocket {
    Stream stream;                                /* first: one is the other */
    wslay_event_context_ptr frames;               /* NULL: nothing is under way */
    uint64_t received, understood;                /* bytes, of whole frames the second, since it is there */
    bool unfinished;                              /* a message of which more frames will come */
    struct MHD_UpgradeResponseHandle *connection; /* while the socket is ours */
    size_t readable;                              /* in this turn */
    bool gone;                                    /* its client, without a goodbye */
    bool sent;                                    /* something, in this turn */
    bool awaits_room;                             /* is watched for writing too */
} WebSocket;

/* --- bytes --- */

static bool comes_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static ssize_t failed(wslay_event_context_ptr frames)
{
    wslay_event_set_error(frames, comes_later() ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t receive_bytes(wslay_event_context_ptr frames, uint8_t *bytes, size_t size, int flags, void *user)
{
    (void)flags;
    WebSocket *socket = user;
    size = size < socket->readable ? size : socket->readable;
    errno = EAGAIN;
    ssize_t length = size ? recv(socket->stream.fd, bytes, size, MSG_DONTWAIT) : -1;
    if (length == 0) {
        errno = ECONNRESET;
    }
    if (length <= 0) {
        socket->gone = !comes_later();
        return failed(frames);
    }
    socket->readable -= (size_t)length;
    socket->received += (uint64_t)length;
    return length;
}

static ssize_t send_bytes(wslay_event_context_ptr frames, const uint8_t *bytes, size_t size, int flags, void *user)
{
    WebSocket *socket = user;
    int more = flags & WSLAY_MSG_MORE ? MSG_MORE : 0;
    ssize_t length = send(socket->stream.fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | more);
    socket->sent = socket->sent || length > 0;
    return length < 0 ? failed(frames) : length;
}

/* --- what is under way --- */

/* After a goodbye nothing can be added: that is all right. */
static void added(int result)
{
    if (result == WSLAY_ERR_NOMEM) {
        memory_exhausted();
    }
}

static void frame_begins(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                         void *user)
{
    enum { HEAD = 2 + 4, HEAD_16 = HEAD + 2, HEAD_64 = HEAD + 8 }; /* with the mask, which all clients' frames have */
    WebSocket *socket = user;
    uint64_t length = frame->payload_length;
    socket->understood += length + (length < 126 ? HEAD : length <= UINT16_MAX ? HEAD_16 : HEAD_64);
    if (!wslay_is_ctrl_frame(frame->opcode)) {
        socket->unfinished = !frame->fin;
    }
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && length == 1) { /* half a code, for which wslay thanks */
        added(wslay_event_queue_close(frames, WSLAY_CODE_PROTOCOL_ERROR, NULL, 0));
    }
}

static wslay_event_context_ptr frames_of(WebSocket *socket)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = receive_bytes, .send_callback = send_bytes, .on_frame_recv_start_callback = frame_begins};
    if (!socket->frames) {
        added(wslay_event_context_server_init(&socket->frames, &callbacks, socket));
        wslay_event_config_set_no_buffering(socket->frames, 1);
        socket->received = socket->understood = 0;
    }
    return socket->frames;
}

/* wslay gives no code to whoever sends what is no frame. Nothing of ours is on its way when it reads. */
static void refuse_bytes(WebSocket *socket)
{
    wslay_event_context_free(memory_steal(&socket->frames));
    added(wslay_event_queue_close(frames_of(socket), WSLAY_CODE_PROTOCOL_ERROR, NULL, 0));
}

static void rest(WebSocket *socket)
{
    wslay_event_context_ptr frames = socket->frames;
    bool saying = wslay_event_want_write(frames) || wslay_event_get_close_sent(frames);
    if (!saying && !wslay_event_get_close_received(frames) && socket->received == socket->understood &&
        !socket->unfinished) {
        wslay_event_context_free(memory_steal(&socket->frames));
    }
}

/* --- life --- */

static void watch(WebSocket *socket, int operation)
{
    struct epoll_event event = {.events = socket->awaits_room ? EPOLLOUT : EPOLLIN, .data.ptr = socket};
    epoll_ctl(socket->stream.server->websockets, operation, socket->stream.fd, &event);
}

static void give_back(WebSocket *socket)
{
    if (socket->connection) {
        watch(socket, EPOLL_CTL_DEL);
        socket->stream.ended = true;
        socket->stream.server->resumed = true;
        MHD_upgrade_action(memory_steal(&socket->connection), MHD_UPGRADE_ACTION_CLOSE);
    }
}

static void turn(Stream *stream)
{
    WebSocket *socket = (WebSocket *)stream;
    if (!socket->connection) {
        return;
    }
    socket->readable = READ_MAX;
    socket->sent = false;
    wslay_event_context_ptr frames = frames_of(socket);
    bool pending = wslay_event_want_write(frames);
    bool good = pending || wslay_event_recv(frames) == 0;
    if (!good && !socket->gone) {
        refuse_bytes(socket);
        frames = socket->frames;
    }
    good = wslay_event_send(frames) == 0 && good; /* of what was wrong its sender is told */
    pending = wslay_event_want_write(frames);
    if (!good || (!pending && !wslay_event_want_read(frames))) {
        give_back(socket);
        return;
    }
    if (socket->sent || !pending) {
        stream_took(stream, !pending);
    }
    if (socket->awaits_room != pending) {
        socket->awaits_room = pending;
        watch(socket, EPOLL_CTL_MOD);
    }
    rest(socket);
}

static void begin(void *user, struct MHD_Connection *mhd, void *context, const char *early, size_t early_size,
                  MHD_socket fd, struct MHD_UpgradeResponseHandle *connection)
{
    (void)mhd, (void)context, (void)early;
    WebSocket *socket = user;
    invariant(fd == socket->stream.fd);
    socket->connection = connection;
    socket->awaits_room = true;
    watch(socket, EPOLL_CTL_ADD);
    if (early_size > 0 || socket->stream.ended) { /* who speaks before the handshake is done does not speak this */
        give_back(socket);
    }
}

static void add_event(Stream *stream, int64_t id, const char *type, const char *data)
{
    (void)id, (void)type;
    struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)data, strlen(data)};
    added(wslay_event_queue_msg(frames_of((WebSocket *)stream), &message));
}

static void add_heartbeat(Stream *stream)
{
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    added(wslay_event_queue_msg(frames_of((WebSocket *)stream), &ping));
}

static void end(Stream *stream)
{
    added(wslay_event_queue_close(frames_of((WebSocket *)stream), WSLAY_CODE_GOING_AWAY, NULL, 0));
    turn(stream);
}

static void websocket_free(Stream *stream)
{
    wslay_event_context_free(((WebSocket *)stream)->frames);
    free(stream);
}

static const StreamKind websocket = {
    .event = add_event, .heartbeat = add_heartbeat, .send = turn, .end = end, .free = websocket_free};

void handle_websocket(Exchange *exchange)
{
    const char *name = exchange->match.names[0];
    StreamPosition position;
    if (!engine_sendpost_find(exchange->server->view.engine, name)) {
        answer_problem(exchange, 404, "there is no sendpost '%.128s'", name);
        return;
    }
    if (!handshake_check(exchange) || !stream_position(exchange, &position)) {
        return;
    }
    WebSocket *socket = memory_new(sizeof *socket);
    stream_open(&socket->stream, exchange, &websocket, &position, (EventFilter){.sendpost = text_copy(name)});
    handshake_answer(exchange, begin, socket);
}

/* --- all --- */

int websockets_open(Error *error)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        error_set(error, ERROR_IO, "epoll_create1: %s", strerror(errno));
    }
    return fd;
}

void websockets_run(Server *server)
{
    struct epoll_event ready[READY_MAX];
    int count = epoll_wait(server->websockets, ready, READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        turn(ready[i].data.ptr);
    }
}

void websockets_let_go(Server *server)
{
    Stream *stream;
    TAILQ_FOREACH(stream, &server->streams.all, link)
    {
        if (stream->kind == &websocket) {
            give_back((WebSocket *)stream);
        }
    }
}
