/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd cannot parse it answers itself, without asking: in HTML, and 0.9.75 sends the head of the answer
 * twice when a Content-Length is malformed. It has no hook for that, but it calls its own exported functions as anybody
 * else would, so that a definition in the program stands before them. */
#include "api/refusal.h"
#include "api/internal.h"
#include "api/problem.h"
#include "base/assert.h"
#include <dlfcn.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *detail;
} own_refusals[] = {
    {400, "the request is malformed"},  {413, "the body is too large"},        {414, "the request line is too long"},
    {431, "the headers are too large"}, {505, "only HTTP/1.1 is spoken here"},
};
enum { OWN_REFUSALS = sizeof own_refusals / sizeof *own_refusals };

void refusal_send(int fd, int status, const char *detail)
{
    Problem problem;
    auto_buffer answer;
    problem_begin(&problem, status, "%s", detail);
    problem_end(&problem);
    buffer_init(&answer, RESPONSE_BODY_MAX);
    buffer_format(&answer,
                  "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  status, problem_title(status), problem.body.length, problem.body.bytes);
    buffer_release(&problem.body);
    /* A client that has read nothing so far has room for this; one that has not may miss it. */
    ssize_t ignored = send(fd, answer.bytes, answer.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
}

void connection_refuse(Connection *connection, int status, const char *detail)
{
    refusal_send(connection->fd, status, detail);
    shutdown(connection->fd, SHUT_RDWR);
    http_statistics_add(&connection->server->statistics, (int)route_count(), status, 0);
}

QueueResponse *queue_response_find(void)
{
    QueueResponse *function;
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
    invariant(found);
    memcpy(&function, &found, sizeof function);
    return function;
}

/* The client gets our answer, and then libmicrohttpd goes its usual way with one that nobody receives any more: to stop
 * it in the middle of parsing is not safe. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *mhd, unsigned status, struct MHD_Response *response)
{
    size_t i = 0;
    while (i < OWN_REFUSALS - 1 && own_refusals[i].status != status) {
        i++;
    }
    Connection *connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    connection_refuse(connection, (int)own_refusals[i].status, own_refusals[i].detail);
    return connection->server->queue_response(mhd, status, response);
}
