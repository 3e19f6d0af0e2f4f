/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets are made here, not by libmicrohttpd, for local sockets and for error messages that name the cause. */
#include "api/listener.h"
#include "api/exchange.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SPARE_CONNECTIONS = 64, /* above CONNECTIONS_MAX: for new ones while old ones are being cut off */
};

static bool system_error(Error *error, const char *address, const char *what)
{
    return error_set(error, ERROR_IO, "cannot listen on %s: %s: %s", address, what, strerror(errno));
}

static bool bind_and_listen(int fd, const struct sockaddr *address, socklen_t length, const char *name, Error *error)
{
    if (bind(fd, address, length) != 0) {
        return system_error(error, name, "bind");
    }
    return listen(fd, SOMAXCONN) == 0 || system_error(error, name, "listen");
}

/* --- host:port --- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    }
    return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
}

static bool split_address(const char *address, char host[256], const char **port)
{
    const char *colon = strrchr(address, ':');
    bool brackets = address[0] == '[';
    const char *start = brackets ? address + 1 : address;
    const char *end = brackets ? strchr(address, ']') : colon;
    if (!colon || !end || end < start || (brackets && end + 1 != colon) || end - start >= 256) {
        return false;
    }
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *port = colon + 1;
    return true;
}

static const struct addrinfo *preferred(const struct addrinfo *found)
{
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        if (each->ai_family == AF_INET) {
            return each;
        }
    }
    return found;
}

static int open_network(const struct addrinfo *chosen, const char *address, Error *error)
{
    int on = 1;
    int fd = socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        system_error(error, address, "socket");
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (chosen->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (!bind_and_listen(fd, chosen->ai_addr, chosen->ai_addrlen, address, error)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void describe_network(Listener *listener, int fd, const char *host)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};
    socklen_t length = sizeof bound;
    invariant(getsockname(fd, &bound.any, &length) == 0); /* it has been bound */
    uint16_t port = bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port;
    bool bracketed = strchr(host, ':') != NULL;
    listener->name = text_format(bracketed ? "[%s]" : "%s", host);
    listener->address = text_format("%s:%u", listener->name, ntohs(port));
    listener->loopback = is_loopback(&bound.any);
}

static int listen_network(Listener *listener, const char *address, Error *error)
{
    char host[256];
    const char *port;
    if (!split_address(address, host, &port)) {
        error_set(error, ERROR_INVALID, "cannot listen on %s: it is not host:port, [v6]:port or unix:/path", address);
        return -1;
    }
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (failure) {
        error_set(error, ERROR_IO, "cannot listen on %s: %s", address, gai_strerror(failure));
        return -1;
    }
    int fd = open_network(preferred(found), address, error);
    freeaddrinfo(found);
    if (fd >= 0) {
        describe_network(listener, fd, *host ? host : "0.0.0.0");
    }
    return fd;
}

/* --- unix:/path --- */

/* A socket file that nobody listens on is left over from a crash; anything else is not ours to remove. */
static bool clear_path(const struct sockaddr_un *name, const char *address, Error *error)
{
    struct stat status;
    if (lstat(name->sun_path, &status) != 0) {
        return errno == ENOENT || system_error(error, address, "lstat");
    }
    if (!S_ISSOCK(status.st_mode)) {
        return error_set(error, ERROR_CONFLICT, "cannot listen on %s: there is a file that is not a socket", address);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered = fd >= 0 && (connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 || errno != ECONNREFUSED);
    if (fd >= 0) {
        close(fd);
    }
    if (fd < 0 || answered) {
        return error_set(error, ERROR_CONFLICT, "cannot listen on %s: somebody listens there already", address);
    }
    return unlink(name->sun_path) == 0 || system_error(error, address, "unlink");
}

static int listen_local(Listener *listener, const char *address, Error *error)
{
    const char *path = address + strlen("unix:");
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof name.sun_path) {
        error_set(error, ERROR_INVALID, "cannot listen on %s: the path must be absolute and shorter than %zu bytes",
                  address, sizeof name.sun_path);
        return -1;
    }
    memcpy(name.sun_path, path, strlen(path) + 1);
    if (!clear_path(&name, address, error)) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0117);
    bool bound = fd >= 0 && bind_and_listen(fd, (struct sockaddr *)&name, sizeof name, address, error);
    umask(mask);
    struct stat status = {0};
    if (!bound || lstat(path, &status) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    listener->path = text_copy(path);
    listener->address = text_copy(address);
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return fd;
}

/* --- both --- */

static size_t leave_escaped(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user, (void)connection;
    return strlen(text);
}

/* A daemon that listens for itself, or (fd -1) is given connections. NULL: it does not start. */
static struct MHD_Daemon *daemon_new(Listener *listener, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE;
    flags |= fd < 0 ? (unsigned)MHD_USE_NO_LISTEN_SOCKET : 0;
    struct MHD_OptionItem listening[] = {{fd < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, fd, NULL},
                                         {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(flags, 0, NULL, NULL, exchange_handle, listener, MHD_OPTION_ARRAY, listening,
                            MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
                            exchange_connection, listener, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)(CONNECTIONS_MAX + SPARE_CONNECTIONS),
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
}

bool listener_open(Listener *listener, struct Server *server, const char *address, bool probes_only, Tls *tls,
                   Error *error)
{
    *listener = (Listener){.server = server, .epoll_fd = -1, .probes_only = probes_only};
    bool local = text_starts_with(address, "unix:");
    int fd = local ? listen_local(listener, address, error) : listen_network(listener, address, error);
    if (fd < 0) {
        return false;
    }
    listener->secure = tls && !local;
    listener->daemon = daemon_new(listener, listener->secure ? -1 : fd);
    if (!listener->daemon) {
        close(fd);
        listener_close(listener);
        return error_set(error, ERROR_IO, "cannot listen on %s: the HTTP server does not start", address);
    }
    listener->epoll_fd = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (listener->secure) {
        tls_listen(tls, fd, listener->daemon);
    }
    return true;
}

static void remove_path(Listener *listener)
{
    struct stat status;
    if (listener->path && lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode) {
        unlink(listener->path);
    }
    free(memory_steal(&listener->path));
}

void listener_stop(Listener *listener)
{
    MHD_socket fd = listener->secure ? MHD_INVALID_SOCKET : MHD_quiesce_daemon(listener->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
    remove_path(listener);
}

void listener_close(Listener *listener)
{
    if (listener->daemon) {
        MHD_stop_daemon(listener->daemon);
    }
    remove_path(listener);
    free(listener->address);
    free(listener->name);
    *listener = (Listener){.epoll_fd = -1};
}
