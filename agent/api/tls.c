/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is kept here for a connection: what its reader cannot take yet stays in the socket that it came from, or in
 * OpenSSL's one record. Sockets are watched by edges: each is read and written until it has no more, which is bounded
 * by what a socket pair holds. Deadlines are those of connection.c, which counts a connection from its beginning. */
#include "api/tls.h"
#include "api/refusal.h"
#include "api/tls_keys.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    RECORD_SIZE = 16 * 1024,
    READY_MAX = 32,
    ACCEPT_AGAIN_MS = 100, /* when there are no descriptors */
};

typedef struct TlsConnection {
    TAILQ_ENTRY(TlsConnection) link;
    SSL *ssl;
    int outer, inner; /* the client's socket; our end of the pair */
    bool established;
    bool said_all; /* the client, or nobody listens to it any more */
    bool over;     /* to be freed */
} TlsConnection;

typedef TAILQ_HEAD(TlsConnectionList, TlsConnection) TlsConnectionList;

typedef struct Gate {
    int fd; /* -1: closed */
    struct MHD_Daemon *daemon;
} Gate;

struct Tls {
    TlsKeys keys;
    HttpStatistics *statistics;
    Gate gates[LISTENERS_MAX];
    size_t gate_count;
    TlsConnectionList connections, over;
    int handshaking, established; /* epoll: clients that are so, and all inner ends */
    int64_t accept_at;            /* boot ms; 0: at once */
    unsigned char record[RECORD_SIZE];
};

/* --- life --- */

Tls *tls_new(const char *certificate_file, const char *key_file, HttpStatistics *statistics, Error *error)
{
    Tls *tls = memory_new(sizeof *tls);
    tls->statistics = statistics;
    TAILQ_INIT(&tls->connections);
    TAILQ_INIT(&tls->over);
    tls->handshaking = epoll_create1(EPOLL_CLOEXEC);
    tls->established = epoll_create1(EPOLL_CLOEXEC);
    bool watched = tls->handshaking >= 0 && tls->established >= 0;
    if (!watched) {
        error_set(error, ERROR_IO, "epoll_create1: %s", strerror(errno));
    }
    if (!watched || !tls_keys_open(&tls->keys, certificate_file, key_file, statistics, error)) {
        tls_free(tls);
        return NULL;
    }
    return tls;
}

static void free_those_over(Tls *tls)
{
    for (TlsConnection *connection; (connection = TAILQ_FIRST(&tls->over));) {
        TAILQ_REMOVE(&tls->over, connection, link);
        SSL_free(connection->ssl);
        close(connection->outer);
        close(connection->inner);
        free(connection);
    }
}

/* It may be named by an event that has been read already: it is freed later. */
static void end(Tls *tls, TlsConnection *connection)
{
    connection->over = true;
    TAILQ_REMOVE(&tls->connections, connection, link);
    TAILQ_INSERT_TAIL(&tls->over, connection, link);
}

static void watch(int epoll, int fd, TlsConnection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    invariant(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 || errno == ENOSPC || errno == ENOMEM);
}

void tls_listen(Tls *tls, int fd, struct MHD_Daemon *daemon)
{
    invariant(tls->gate_count < LISTENERS_MAX);
    tls->gates[tls->gate_count++] = (Gate){fd, daemon};
}

void tls_stop(Tls *tls)
{
    for (size_t i = 0; i < tls->gate_count; i++) {
        if (tls->gates[i].fd >= 0) {
            close(tls->gates[i].fd);
            tls->gates[i].fd = -1;
        }
    }
}

/* --- from one socket to the other --- */

/* What is left of the errors of one connection must not be taken for those of the next. */
static int outcome(const TlsConnection *connection, int result)
{
    int error = SSL_get_error(connection->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? SSL_ERROR_NONE : error;
}

/* False: this is the end of the connection. */
static bool pass_in(Tls *tls, TlsConnection *connection)
{
    while (!connection->said_all) {
        ERR_clear_error();
        int length = SSL_peek(connection->ssl, tls->record, RECORD_SIZE);
        if (length <= 0) {
            int error = outcome(connection, length);
            connection->said_all = error == SSL_ERROR_ZERO_RETURN;
            if (connection->said_all) {
                shutdown(connection->inner, SHUT_WR);
            }
            return connection->said_all || error == SSL_ERROR_NONE;
        }
        ssize_t taken = send(connection->inner, tls->record, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        }
        if (taken < 0) { /* libmicrohttpd has ended it; its answer is on the way */
            connection->said_all = true;
            return true;
        }
        SSL_read(connection->ssl, tls->record, (int)taken);
    }
    return true;
}

static bool pass_out(Tls *tls, TlsConnection *connection)
{
    for (;;) {
        ssize_t length = recv(connection->inner, tls->record, RECORD_SIZE, MSG_PEEK | MSG_DONTWAIT);
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        }
        ERR_clear_error();
        if (length <= 0) { /* a connection that was reset has nothing more to be sent either */
            return outcome(connection, SSL_shutdown(connection->ssl)) == SSL_ERROR_NONE &&
                   SSL_want_write(connection->ssl);
        }
        int taken = SSL_write(connection->ssl, tls->record, (int)length);
        if (taken <= 0) {
            return outcome(connection, taken) == SSL_ERROR_NONE;
        }
        ssize_t removed = recv(connection->inner, tls->record, (size_t)taken, MSG_DONTWAIT);
        invariant(removed == taken);
    }
}

static void pass(Tls *tls, TlsConnection *connection)
{
    if (connection->established && !connection->over && !(pass_in(tls, connection) && pass_out(tls, connection))) {
        end(tls, connection);
    }
}

/* The other end of an inner one was shut down before the handshake was over: its time is up. */
static bool is_given_up(const TlsConnection *connection, uint32_t events)
{
    return !connection->established && (events & (EPOLLRDHUP | EPOLLHUP));
}

void tls_pass(Tls *tls)
{
    struct epoll_event ready[READY_MAX];
    int count = epoll_wait(tls->established, ready, READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        TlsConnection *connection = ready[i].data.ptr;
        if (!connection->over && is_given_up(connection, ready[i].events)) {
            end(tls, connection);
        } else {
            pass(tls, connection);
        }
    }
    free_those_over(tls);
}

/* --- handshakes --- */

static int64_t processor_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void fail(Tls *tls, TlsConnection *connection)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST) {
        refusal_send(connection->outer, 400, "this is HTTPS: the address begins with https://");
    }
    log_line(LOG_DEBUG, "a TLS handshake failed", "cause", reason ? reason : "the client is gone", NULL);
    tls->statistics->handshakes_failed++;
    end(tls, connection);
}

static void shake(Tls *tls, TlsConnection *connection)
{
    ERR_clear_error();
    int result = SSL_accept(connection->ssl);
    if (result == 1) {
        connection->established = true;
        epoll_ctl(tls->handshaking, EPOLL_CTL_DEL, connection->outer, NULL);
        watch(tls->established, connection->outer, connection);
        pass(tls, connection);
    } else if (outcome(connection, result) != SSL_ERROR_NONE) {
        fail(tls, connection);
    }
}

static void shake_some(Tls *tls)
{
    int64_t began_us = processor_us();
    struct epoll_event ready;
    while (processor_us() - began_us < TLS_HANDSHAKES_US && epoll_wait(tls->handshaking, &ready, 1, 0) == 1) {
        shake(tls, ready.data.ptr);
        free_those_over(tls); /* that takes time too */
    }
}

/* --- new ones --- */

/* Little beyond what the client says that it can take; and who is gone without a word is noticed. Neither is needed. */
static void limit_socket(int fd)
{
    int unsent = STREAM_SOCKET_MAX, on = 1;
    unsigned patience_ms = 1000U * RESPONSE_SECONDS;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
}

static void begin(Tls *tls, const Gate *gate, int outer, const struct sockaddr *peer, socklen_t length)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        close(outer);
        return;
    }
    if (MHD_add_connection(gate->daemon, pair[1], peer, length) != MHD_YES) { /* closes it */
        close(pair[0]);
        close(outer);
        return;
    }
    TlsConnection *connection = memory_new(sizeof *connection);
    connection->ssl = memory_checked(SSL_new(tls->keys.context));
    connection->outer = outer;
    connection->inner = pair[0];
    limit_socket(outer);
    invariant(SSL_set_fd(connection->ssl, outer) == 1);
    TAILQ_INSERT_TAIL(&tls->connections, connection, link);
    watch(tls->handshaking, outer, connection);
    watch(tls->established, pair[0], connection);
}

static bool accept_one(Tls *tls, const Gate *gate, int64_t boot_ms)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int outer = accept4(gate->fd, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (outer >= 0) {
        begin(tls, gate, outer, (struct sockaddr *)&peer, length);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        tls->accept_at = boot_ms + ACCEPT_AGAIN_MS;
    }
    return outer >= 0;
}

static void accept_some(Tls *tls, int64_t boot_ms)
{
    tls->accept_at = tls->accept_at > boot_ms ? tls->accept_at : 0;
    for (size_t i = 0; i < tls->gate_count; i++) {
        for (int accepted = 0; tls->gates[i].fd >= 0 && !tls->accept_at && accepted < TLS_ACCEPTED_MAX; accepted++) {
            if (!accept_one(tls, &tls->gates[i], boot_ms)) {
                break;
            }
        }
    }
}

/* --- the server's side --- */

size_t tls_descriptors(const Tls *tls, int *descriptors, size_t maximum)
{
    size_t count = 0;
    for (size_t i = 0; i < tls->gate_count && count < maximum && !tls->accept_at; i++) {
        if (tls->gates[i].fd >= 0) {
            descriptors[count++] = tls->gates[i].fd;
        }
    }
    const int epolls[] = {tls->handshaking, tls->established};
    for (size_t i = 0; i < 2 && count < maximum; i++) {
        descriptors[count++] = epolls[i];
    }
    return count;
}

int64_t tls_deadline(const Tls *tls)
{
    return tls->accept_at ? tls->accept_at : tls->keys.look_at;
}

void tls_run(Tls *tls, int64_t boot_ms)
{
    tls_keys_look(&tls->keys, boot_ms);
    accept_some(tls, boot_ms);
    shake_some(tls);
    tls_pass(tls);
}

bool tls_idle(const Tls *tls)
{
    const TlsConnection *connection;
    TAILQ_FOREACH(connection, &tls->connections, link)
    {
        int waiting = 0;
        if (connection->established && ioctl(connection->inner, FIONREAD, &waiting) == 0 && waiting > 0) {
            return false;
        }
    }
    return true;
}

const char *tls_certificate_error(const Tls *tls)
{
    return tls->keys.error;
}

void tls_free(Tls *tls)
{
    if (!tls) {
        return;
    }
    tls_stop(tls);
    for (TlsConnection *connection; (connection = TAILQ_FIRST(&tls->connections));) {
        pass(tls, connection);
        if (!connection->over) {
            end(tls, connection);
        }
    }
    free_those_over(tls);
    tls_keys_close(&tls->keys);
    if (tls->handshaking >= 0) {
        close(tls->handshaking);
    }
    if (tls->established >= 0) {
        close(tls->established);
    }
    free(tls);
}
