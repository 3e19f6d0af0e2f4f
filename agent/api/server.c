/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd 0.9.75 does not count resumed connections in MHD_get_timeout, and must not be stopped while one is
 * suspended: both are seen to here. */
#include "api/server.h"
#include "api/answer.h"
#include "api/commands.h"
#include "api/internal.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { OTHER_DESCRIPTORS = 64, TLS_DESCRIPTORS = 3 /* of one connection */ };

int64_t monotonic_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* --- start and end --- */

/* http://user:secret@host/api without what stands before the @. */
static char *without_credentials(const char *url)
{
    const char *authority = strstr(url, "://");
    size_t scheme = authority ? (size_t)(authority + 3 - url) : 0;
    size_t length = strcspn(url + scheme, "/");
    const char *at = memrchr(url + scheme, '@', length);
    return at ? text_format("%.*s%s", (int)scheme, url, at + 1) : text_copy(url);
}

/* How we are reached when nobody says: on this machine, if we listen on all of its addresses. */
static char *own_url(const Listener *first)
{
    if (first->path) {
        return text_copy("http://localhost");
    }
    bool any = text_equal(first->name, "0.0.0.0") || text_equal(first->name, "[::]");
    return text_format("%s://%s%s", first->secure ? "https" : "http", any ? "localhost" : "",
                       any ? first->address + strlen(first->name) : first->address);
}

static void name_addresses(Server *server)
{
    const Configuration *configuration = server->view.configuration;
    const Listener *first = &server->listeners[0];
    const char *external = configuration->http_external_url;
    server->prefect_url = without_credentials(configuration->prefect_api_url);
    server->shapes.ui_url = configuration->prefect_ui_url;
    if (*external) {
        size_t length = strlen(external);
        server->shapes.base_url = text_copy_length(external, external[length - 1] == '/' ? length - 1 : length);
    } else {
        server->shapes.base_url = own_url(first);
    }
    for (size_t i = 0; i <= route_count(); i++) {
        server->statistics.handlers[i] = route_name(i);
    }
}

/* Descriptors are needed for more than connections. */
static size_t connections_maximum(bool secure)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return CONNECTIONS_MAX;
    }
    size_t allowed = limit.rlim_cur > 2UL * OTHER_DESCRIPTORS ? limit.rlim_cur - 2UL * OTHER_DESCRIPTORS : 0;
    size_t possible = allowed / (secure ? TLS_DESCRIPTORS : 1);
    return possible > CONNECTIONS_MAX ? CONNECTIONS_MAX : possible > OTHER_DESCRIPTORS ? possible : OTHER_DESCRIPTORS;
}

static bool open_tls(Server *server, Error *error)
{
    const Configuration *configuration = server->view.configuration;
    if (!configuration->http_tls_certificate_file[0]) {
        return true;
    }
    server->tls =
        tls_new(configuration->http_tls_certificate_file, configuration->http_tls_key_file, &server->statistics, error);
    return server->tls != NULL;
}

/* A guess in twenty of the requests that a client may make: enough for one that has an old token. */
static void open_rate_limits(Server *server)
{
    enum { GUESSES_PER_SECOND = 20, GUESSES_AT_ONCE = 4 };
    int64_t rate = server->view.configuration->http_rate_limit_requests_per_second;
    int64_t burst = server->view.configuration->http_rate_limit_burst;
    server->rate_limit = rate_limit_new(rate, burst, random_u64());
    server->guesses =
        rate_limit_new((rate + GUESSES_PER_SECOND - 1) / GUESSES_PER_SECOND, burst / GUESSES_AT_ONCE, random_u64());
}

static bool open_listeners(Server *server, const TextList *addresses, bool probes_only, Error *error)
{
    for (size_t i = 0; i < addresses->count; i++) {
        Listener *listener = &server->listeners[server->listener_count];
        if (!listener_open(listener, server, addresses->items[i], probes_only, server->tls, error)) {
            return false;
        }
        server->listener_count++;
    }
    return true;
}

Server *server_new(const ServerView *view, Error *error)
{
    const Configuration *configuration = view->configuration;
    const TextList *listen = &configuration->http_listen, *probes = &configuration->http_metrics_listen;
    if (listen->count == 0 || listen->count + probes->count > LISTENERS_MAX) {
        error_set(error, ERROR_INVALID, "http.listen and http.metrics_listen must have 1 to %d addresses",
                  LISTENERS_MAX);
        return NULL;
    }
    Server *server = memory_new(sizeof *server);
    server->view = *view;
    server->slots.first_free = SLOT_NONE;
    server->queue_response = queue_response_find();
    TAILQ_INIT(&server->commands);
    TAILQ_INIT(&server->fetches);
    TAILQ_INIT(&server->reloads);
    TAILQ_INIT(&server->backups);
    server->backup.leftover = -1;
    scrapes_init(&server->scrapes, configuration);
    streams_init(&server->streams);
    server->websockets = websockets_open(error);
    if (server->websockets < 0 || !open_tls(server, error)) {
        server_free(server);
        return NULL;
    }
    connections_init(&server->connections, connections_maximum(server->tls != NULL));
    if (!open_listeners(server, listen, false, error) || !open_listeners(server, probes, true, error)) {
        server_free(server);
        return NULL;
    }
    open_rate_limits(server);
    name_addresses(server);
    return server;
}

static void let_go_of_waiting(Server *server)
{
    for (size_t i = 0; i < server->slots.count; i++) {
        Exchange *exchange = server->slots.items[i].exchange;
        if (exchange) {
            answer_unavailable(exchange, "the agent is shutting down");
            server_resume(server, exchange);
        }
    }
}

void server_free(Server *server)
{
    if (!server) {
        return;
    }
    server->ended = true;
    let_go_of_waiting(server);
    streams_end(server);
    websockets_let_go(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        MHD_run(server->listeners[i].daemon);
        listener_close(&server->listeners[i]);
    }
    tls_free(server->tls);
    rate_limit_free(server->rate_limit);
    rate_limit_free(server->guesses);
    streams_release(&server->streams);
    scrapes_release(&server->scrapes);
    if (server->websockets >= 0) {
        close(server->websockets);
    }
    if (server->backup.leftover >= 0) {
        close(server->backup.leftover);
    }
    free(server->slots.items);
    free(server->shapes.base_url);
    free(server->prefect_url);
    openapi_release(&server->openapi);
    free(server);
}

void server_set_engine(Server *server, Engine *engine)
{
    server->view.engine = engine;
    scrapes_forget(&server->scrapes);
}

/* --- the loop's side --- */

size_t server_descriptors(const Server *server, int *descriptors, size_t maximum)
{
    size_t count = 0;
    for (; count < server->listener_count && count < maximum; count++) {
        descriptors[count] = server->listeners[count].epoll_fd;
    }
    if (count < maximum) {
        descriptors[count++] = server->websockets;
    }
    return server->tls ? count + tls_descriptors(server->tls, descriptors + count, maximum - count) : count;
}

int64_t server_deadline(const Server *server, Now now)
{
    if (server->resumed || !TAILQ_EMPTY(&server->commands) || !TAILQ_EMPTY(&server->fetches) ||
        !TAILQ_EMPTY(&server->reloads) || !TAILQ_EMPTY(&server->backups) || server->backup.taken_at ||
        server->backup.leftover >= 0) {
        return now.boot_ms;
    }
    int64_t deadline = connections_deadline(&server->connections);
    int64_t scrapes_due = scrapes_deadline(&server->scrapes, now.boot_ms);
    deadline = scrapes_due < deadline ? scrapes_due : deadline;
    int64_t streams_due = streams_deadline(&server->streams, now.boot_ms);
    deadline = streams_due < deadline ? streams_due : deadline;
    int64_t tls_due = server->tls ? tls_deadline(server->tls) : TIME_NEVER;
    deadline = tls_due < deadline ? tls_due : deadline;
    for (size_t i = 0; i < server->listener_count; i++) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        if (MHD_get_timeout(server->listeners[i].daemon, &wait_ms) == MHD_YES && wait_ms < INT32_MAX) {
            int64_t due = now.boot_ms + (int64_t)wait_ms;
            deadline = due < deadline ? due : deadline;
        }
    }
    return deadline;
}

void server_run(Server *server, Now now)
{
    server->now = now;
    server->runs++;
    server->began_boot_ms = server->began_boot_ms ? server->began_boot_ms : now.boot_ms;
    server->resumed = false;
    connections_sweep(&server->connections, now.boot_ms);
    scrapes_run(server);
    websockets_run(server);
    streams_run(server);
    if (server->tls) {
        tls_run(server->tls, now.boot_ms);
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        MHD_run(server->listeners[i].daemon);
    }
    if (server->tls) {
        tls_pass(server->tls);
    }
}

void server_resume(Server *server, Exchange *exchange)
{
    slots_take(&server->slots, exchange->token);
    exchange->token = 0;
    exchange->waiting = false;
    server->resumed = true;
    MHD_resume_connection(exchange->mhd);
}

/* --- commands --- */

void server_queue(Server *server, Exchange *exchange, ExchangeList *list)
{
    if (!exchange->waiting) {
        exchange->token = slots_put(&server->slots, exchange);
        exchange->waiting = true;
    }
    TAILQ_INSERT_TAIL(list, exchange, link);
}

static void reply(Server *server, Exchange *exchange, const Reply *given)
{
    command_reply(exchange, given);
    server_resume(server, exchange);
}

static void reply_unavailable(Server *server, Exchange *exchange, const char *detail)
{
    command_reply_unavailable(exchange, detail);
    server_resume(server, exchange);
}

/* What its keys stand for already. The first one's run is the answer, before everything else; that of another one is
 * the engine's business, which remembers those before it, and knows the keys of this turn. True: answered. */
static bool answer_known(Server *server, Exchange *exchange)
{
    Error error = {0};
    for (size_t i = 0; i < exchange->key_count; i++) {
        RequestKey *key = &exchange->keys[i];
        journal_find_key(server->view.journal, key->scope, key->key, server->now.wall_ms, key->known_run,
                         key->known_digest, &error);
    }
    const RequestKey *first = &exchange->keys[0];
    if (error.kind != ERROR_NONE) {
        reply_unavailable(server, exchange, error.text);
    } else if (first->known_run[0]) {
        Reply known = {.kind = strcmp(first->known_digest, first->digest) == 0 ? REPLY_REPEATED : REPLY_KEY_REUSED};
        memcpy(known.run_id, first->known_run, UUID_SIZE);
        reply(server, exchange, &known);
    }
    return !exchange->waiting;
}

/* False: answered already. */
static bool prepare(Server *server, Exchange *exchange, Happening *happening)
{
    if (answer_known(server, exchange)) {
        return false;
    }
    if (server->draining) {
        reply_unavailable(server, exchange, "the agent is shutting down");
        return false;
    }
    Error error = {0};
    if (!command_fill(exchange, happening, &error)) {
        reply_unavailable(server, exchange, error.text);
        return false;
    }
    return true;
}

bool server_take_command(Server *server, Happening *happening)
{
    for (Exchange *exchange; (exchange = TAILQ_FIRST(&server->commands));) {
        TAILQ_REMOVE(&server->commands, exchange, link);
        if (prepare(server, exchange, happening)) {
            return true;
        }
    }
    return false;
}

void server_reply(Server *server, const Reply *given)
{
    Exchange *exchange = slots_find(&server->slots, given->token);
    if (exchange) {
        reply(server, exchange, given);
    }
}

void server_reply_unavailable(Server *server, uint64_t token, const char *detail)
{
    Exchange *exchange = slots_find(&server->slots, token);
    if (exchange) {
        reply_unavailable(server, exchange, detail);
    }
}

/* --- reloads --- */

bool server_take_reload(Server *server, uint64_t *token)
{
    Exchange *exchange = TAILQ_FIRST(&server->reloads);
    if (!exchange) {
        return false;
    }
    TAILQ_REMOVE(&server->reloads, exchange, link);
    *token = exchange->token;
    return true;
}

void server_reloaded(Server *server, uint64_t token)
{
    Exchange *exchange = slots_find(&server->slots, token);
    if (exchange) {
        reload_reply(exchange);
        server_resume(server, exchange);
    }
}

void server_reload_unavailable(Server *server, uint64_t token, const char *detail)
{
    Exchange *exchange = slots_find(&server->slots, token);
    if (exchange) {
        reload_reply_unavailable(exchange, detail);
        server_resume(server, exchange);
    }
}

/* --- questions to Prefect --- */

bool server_take_fetch(Server *server, ServerFetch *fetch)
{
    Exchange *exchange = TAILQ_FIRST(&server->fetches);
    if (!exchange) {
        return false;
    }
    TAILQ_REMOVE(&server->fetches, exchange, link);
    *fetch = (ServerFetch){exchange->token, exchange->fetch_path, exchange->fetch_body};
    return true;
}

void server_fetched(Server *server, const PrefectFetched *fetched)
{
    Exchange *exchange = slots_find(&server->slots, fetched->token);
    if (!exchange) {
        return;
    }
    exchange->fetched(exchange, fetched);
    if (exchange->answer) {
        server_resume(server, exchange);
    }
}

/* --- events --- */

void server_tokens_changed(Server *server)
{
    streams_end_unknown(server);
}

void server_publish(Server *server, const EventRecord *events, size_t count)
{
    if (count > 0) {
        streams_publish(server, events, count);
    }
}

/* --- the end --- */

void server_drain(Server *server)
{
    if (server->draining) {
        return;
    }
    server->draining = true;
    streams_end(server);
    if (server->tls) {
        tls_stop(server->tls);
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_stop(&server->listeners[i]);
    }
}

bool server_idle(const Server *server)
{
    return server->statistics.in_flight == 0 && (!server->tls || tls_idle(server->tls));
}

const char *server_address(const Server *server)
{
    return server->listeners[0].address;
}

const HttpStatistics *server_statistics(const Server *server)
{
    return &server->statistics;
}
