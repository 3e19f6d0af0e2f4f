/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal before the body was read is kept until the body has come (and was thrown away), so that its sender, who may
 * read nothing before all is sent, gets it. At once, with the connection closed, is only refused what cannot be trusted
 * to be one request, a body that says it is much too large, and one whose sender waits to be told to send it. */
#include "api/exchange.h"
#include "api/answer.h"
#include "api/audit.h"
#include "api/cors.h"
#include "api/deployment_search.h"
#include "api/host.h"
#include "api/internal.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include <string.h>
#include <strings.h>

/* --- birth: is it one request, for us, from somebody who may? --- */

/* What libmicrohttpd would have no room to answer: it would close the connection without a word. */
static bool refuse_head(Exchange *exchange, const char *method)
{
    bool long_line = exchange->version - method > CONNECTION_MEMORY / 2;
    if (headers_size(exchange->mhd) + ANSWER_HEAD_MAX <= CONNECTION_MEMORY) {
        return false;
    }
    connection_refuse(exchange->connection, long_line ? 414 : 431,
                      long_line ? "the request line is too long" : "the headers are too large");
    return true;
}

static bool refuse_framing(Exchange *exchange, const char *method)
{
    Error error = {0};
    if (headers_read(exchange->mhd, method, exchange->version, &exchange->headers, &error)) {
        return false;
    }
    answer_problem(exchange, 400, "%s", error.text);
    answer_header(exchange, "Connection", "close");
    return true;
}

/* True: with a body that is not worth reading. */
static bool refuse_size(Exchange *exchange)
{
    const Headers *headers = &exchange->headers;
    int64_t length = 0;
    bool fits = !headers->content_length || text_to_integer(headers->content_length, 0, REQUEST_BODY_MAX, &length);
    bool bearable = fits || text_to_integer(headers->content_length, 0, REQUEST_DISCARD_MAX, &length);
    if (fits) {
        return false;
    }
    answer_problem(exchange, 413, "the body is larger than %d bytes", REQUEST_BODY_MAX);
    return !bearable;
}

static bool refuse_rate(Exchange *exchange)
{
    Server *server = exchange->server;
    int seconds = 1;
    bool exempt = exchange->match.route && exchange->match.route->probe;
    if (exempt || rate_limit_allow(server->rate_limit, caller_rate_key(exchange), server->now.boot_ms, &seconds)) {
        return false;
    }
    answer_problem(exchange, 429, "too many requests from %s", caller_name(exchange));
    answer_retry_after(exchange, seconds);
    return true;
}

static bool refuse_host(Exchange *exchange)
{
    const Listener *listener = exchange->listener;
    const Configuration *configuration = exchange->server->view.configuration;
    if (!listener->loopback || host_allowed(exchange->headers.host, listener->name, configuration)) {
        return false;
    }
    answer_problem(exchange, 403, "the Host name %.256s is not one of this agent's (see http.hosts)",
                   exchange->headers.host);
    return true;
}

static bool refuse_path(Exchange *exchange, const char *url)
{
    const Match *match = &exchange->match;
    if (match->route) {
        return false;
    }
    if (match->allow) {
        answer_problem(exchange, 405, "%.512s takes %s only", url, match->allow);
        answer_header(exchange, "Allow", match->allow);
    } else {
        answer_problem(exchange, 404, "there is nothing at %.512s", url);
    }
    return true;
}

/* --- query --- */

static bool query_known(const Route *route, const char *name, bool *repeatable)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < ROUTE_QUERY_MAX && route->query[i]; i++) {
        if (strncmp(route->query[i], name, length) == 0 && length > 0) {
            const char *rest = route->query[i] + length;
            *repeatable = strcmp(rest, "*") == 0;
            if (*repeatable || !*rest) {
                return true;
            }
        }
    }
    return false;
}

static enum MHD_Result query_seen(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    Exchange *exchange = user;
    if (exchange->query_count == QUERY_PARAMETERS_MAX) {
        answer_problem(exchange, 400, "there are more than %d query parameters", QUERY_PARAMETERS_MAX);
        return MHD_NO;
    }
    if (!exchange->query) {
        exchange->query = memory_new(QUERY_PARAMETERS_MAX * sizeof *exchange->query);
    }
    QueryParameter *parameter = &exchange->query[exchange->query_count++];
    *parameter = (QueryParameter){text_copy(name), text_copy(value ? value : "")};
    bool repeatable = false;
    if (!url_decode(parameter->name) || !url_decode(parameter->value) ||
        !text_is_utf8(parameter->value, strlen(parameter->value))) {
        answer_problem(exchange, 400, "the query is malformed");
    } else if (!query_known(exchange->match.route, parameter->name, &repeatable)) {
        answer_problem(exchange, 400, "unknown query parameter '%.64s'", parameter->name);
    } else if (!repeatable && exchange_query(exchange, parameter->name) != parameter->value) {
        answer_problem(exchange, 400, "the query parameter '%s' may come only once", parameter->name);
    }
    return exchange->answer ? MHD_NO : MHD_YES;
}

const char *exchange_query(const Exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        if (strcmp(exchange->query[i].name, name) == 0) {
            return exchange->query[i].value;
        }
    }
    return NULL;
}

bool exchange_limit(Exchange *exchange, int64_t fallback, int64_t maximum, size_t *limit)
{
    const char *text = exchange_query(exchange, "limit");
    int64_t value = fallback;
    if (text && !text_to_integer(text, 1, maximum, &value)) {
        answer_problem(exchange, 400, "limit must be 1 to %lld", (long long)maximum);
        return false;
    }
    *limit = (size_t)value;
    return true;
}

static bool add_states(Exchange *exchange, const char *text, uint32_t *states)
{
    auto_free char *names = text_copy(text);
    for (char *rest = names, *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
        int state = name_index(state_names, STATES, name);
        if (state < 0) {
            answer_problem(exchange, 400, "there is no state '%.64s'", name);
            return false;
        }
        *states |= 1u << state;
    }
    return true;
}

bool exchange_states(Exchange *exchange, uint32_t *states)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        const QueryParameter *parameter = &exchange->query[i];
        if (strcmp(parameter->name, "state") == 0 && !add_states(exchange, parameter->value, states)) {
            return false;
        }
    }
    return true;
}

/* --- life --- */

static Exchange *exchange_new(Listener *listener, struct MHD_Connection *mhd, const char *method)
{
    Exchange *exchange = memory_new(sizeof *exchange);
    exchange->server = listener->server;
    exchange->listener = listener;
    exchange->mhd = mhd;
    exchange->head = strcmp(method, "HEAD") == 0;
    exchange->connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->began_us = monotonic_us();
    exchange->match.handler = (int)route_count();
    buffer_init(&exchange->body, REQUEST_BODY_MAX);
    exchange->server->statistics.in_flight++;
    return exchange;
}

/* Of the routes that this listener has. */
static Match match_on(const Listener *listener, const char *method, const Path *path)
{
    Match match = route_match(method, path);
    bool known = match.handler < (int)route_count();
    if (known && listener->probes_only && !route_at((size_t)match.handler)->probe) {
        return (Match){.handler = (int)route_count()};
    }
    return match;
}

/* RFC 9112, 3.2.2: what an absolute form names stands instead of the Host header. What is left is the path. */
static const char *take_authority(Exchange *exchange, const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t scheme = strlen(schemes[i]), length = 0;
        if (strncasecmp(url, schemes[i], scheme) == 0 && (length = strcspn(url + scheme, "/")) > 0) {
            exchange->authority = text_copy_length(url + scheme, length);
            exchange->headers.host = exchange->authority;
            url += scheme + length;
            return *url ? url : "/";
        }
    }
    return url;
}

/* With an answer afterwards: refused. */
static void exchange_judge(Exchange *exchange, const char *url, bool readable, const char *method)
{
    if (refuse_host(exchange)) {
        return;
    }
    caller_identify(exchange);
    if (refuse_rate(exchange)) {
        return;
    }
    if (!readable) {
        answer_problem(exchange, 400, "the path is malformed");
    } else if (!cors_answer_preflight(exchange, method) && !refuse_path(exchange, url) &&
               !cors_refuse(exchange, method) && !caller_refuse(exchange) && !exchange->match.route->probe) {
        MHD_get_connection_values(exchange->mhd, MHD_GET_ARGUMENT_KIND, query_seen, exchange);
    }
}

/* True: the refusal that was made must leave at once. */
static bool exchange_begin(Exchange *exchange, const char *url, const char *method)
{
    if (refuse_framing(exchange, method)) {
        return true;
    }
    url = take_authority(exchange, url);
    bool readable = path_split(url, &exchange->path);
    if (readable) {
        exchange->match = match_on(exchange->listener, method, &exchange->path);
    }
    bool unbearable = refuse_size(exchange);
    if (!exchange->answer) {
        exchange_judge(exchange, url, readable, method);
    }
    if (!exchange->answer || !(unbearable || headers_expect_continue(&exchange->headers))) {
        return false;
    }
    answer_header(exchange, "Connection", "close");
    return true;
}

static enum MHD_Result exchange_send(Exchange *exchange)
{
    audit(exchange, NULL); /* of what its handler refused, or nobody handled */
    struct MHD_Response *response = memory_steal(&exchange->answer);
    enum MHD_Result queued = exchange->server->queue_response(exchange->mhd, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    if (exchange->stream || exchange->server->backup.exchange == exchange) {
        connection_waits(exchange->connection);
    } else {
        connection_writes(&exchange->server->connections, exchange->connection, exchange->server->now.boot_ms);
    }
    return queued;
}

/* What clients do not take stays in memory. A command is never refused for that; it has its own limits. */
static bool refuse_memory(Exchange *exchange)
{
    const Route *route = exchange->match.route;
    bool fits = exchange->server->answers_size <= ANSWERS_SIZE_MAX;
    if (fits || route->probe || route->command) {
        return false;
    }
    answer_unavailable(exchange, "too much is being sent already");
    return true;
}

/* What waited now would never be answered, and libmicrohttpd must not be stopped while anything does. */
static bool refuse_end(Exchange *exchange)
{
    if (!exchange->server->ended) {
        return false;
    }
    answer_unavailable(exchange, "the agent is shutting down");
    return true;
}

/* False: more came than is worth reading. */
static bool exchange_take_body(Exchange *exchange, const char *data, size_t size)
{
    if (!exchange->answer) {
        buffer_append(&exchange->body, data, size);
        if (!exchange->body.overflow) {
            return true;
        }
        buffer_release(&exchange->body);
        answer_problem(exchange, 413, "the body is larger than %d bytes", REQUEST_BODY_MAX);
        answer_header(exchange, "Connection", "close");
    }
    exchange->discarded += size;
    return exchange->discarded <= REQUEST_DISCARD_MAX;
}

enum MHD_Result exchange_handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **context)
{
    Exchange *exchange = *context;
    if (!exchange) {
        *context = exchange = exchange_new(user, connection, method);
        exchange->version = version;
        connection_reads_body(&exchange->server->connections, exchange->connection, exchange->server->now.boot_ms);
        if (refuse_head(exchange, method)) {
            return MHD_NO;
        }
        return exchange_begin(exchange, url, method) ? exchange_send(exchange) : MHD_YES;
    }
    if (*size > 0) {
        connection_takes_body(exchange->connection);
        bool bearable = exchange_take_body(exchange, data, *size);
        *size = 0;
        return bearable ? MHD_YES : MHD_NO;
    }
    if (!exchange->answer && !exchange->waiting) {
        connection_waits(exchange->connection);
        if (!refuse_end(exchange) && !refuse_memory(exchange)) {
            exchange->match.route->handle(exchange);
        }
    }
    if (exchange->answer) {
        return exchange_send(exchange);
    }
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void exchange_free(Exchange *exchange)
{
    path_release(&exchange->path);
    caller_release(&exchange->caller);
    free(exchange->authority);
    for (size_t i = 0; i < exchange->query_count; i++) {
        free(exchange->query[i].name);
        free(exchange->query[i].value);
    }
    free(exchange->query);
    buffer_release(&exchange->body);
    command_body_release(&exchange->command);
    run_view_release(&exchange->ended);
    free(exchange->scope);
    free(exchange->signature_scope);
    free(exchange->fetch_path);
    free(exchange->fetch_body);
    free(exchange->kept);
    deployment_search_free(exchange->search);
    if (exchange->stream) {
        stream_close(exchange->stream);
        exchange->stream->kind->free(exchange->stream);
    }
    if (exchange->answer) {
        MHD_destroy_response(exchange->answer);
    }
    free(exchange);
}

void exchange_completed(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    (void)user, (void)connection;
    Exchange *exchange = *context;
    if (!exchange) {
        return;
    }
    *context = NULL;
    Server *server = exchange->server;
    double seconds = (double)(monotonic_us() - exchange->began_us) / 1e6;
    server->statistics.in_flight--;
    server->answers_size -= exchange->answer_size;
    if (exchange->status) {
        http_statistics_add(&server->statistics, exchange->match.handler, exchange->status, seconds);
    }
    backup_completed(exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    connection_rests(&server->connections, exchange->connection, server->now.boot_ms);
    exchange_free(exchange);
}

void exchange_connection(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_ConnectionNotificationCode code)
{
    Server *server = ((Listener *)user)->server;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_close(&server->connections, memory_steal(context));
        return;
    }
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *context = connection_open(server, fd, peer ? peer->client_addr : NULL, server->now.boot_ms);
}
