/* SPDX-License-Identifier: Apache-2.0 */
/* A scrape is rendered piece by piece while it is sent, so that a large one holds nobody up. libmicrohttpd offers what
 * is left of the connection's memory, which large request headers can make smaller than what the exposition wants: then
 * a piece is rendered aside and handed over in parts. */
#include "api/scrapes.h"
#include "api/answer.h"
#include "api/gzip.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/negotiation.h"
#include "base/memory.h"
#include <string.h>

static const char *const media_types[METRICS_FORMATS] = {"text/plain; version=0.0.4; charset=utf-8",
                                                         "application/openmetrics-text; version=1.0.0; charset=utf-8"};

enum {
    BLOCK_SIZE = 64 * 1024,
    PIECE_SIZE = 4096,
    /* Beyond this compressing holds the loop for longer than it saves. What is foretold is at most twice as much as
     * comes: each body of up to 1 MiB is compressed. */
    GZIP_FORETOLD_MAX = 2 * 1024 * 1024,
};

struct Scrape {
    TAILQ_ENTRY(Scrape) link;
    SharedSnapshot *shared;
    Connection *connection;
    Exposition *exposition;
    Gzip *gzip; /* NULL: sent as it is */
    char piece[PIECE_SIZE];
    size_t given, filled;
};

void scrapes_init(Scrapes *scrapes)
{
    TAILQ_INIT(&scrapes->waiting);
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        TAILQ_INIT(&scrapes->snapshots[i].scrapes);
    }
}

/* --- one --- */

static size_t read_exposition(void *user, char *out, size_t size)
{
    return exposition_read(user, out, size);
}

static ssize_t scrape_read_gzip(void *user, uint64_t position, char *out, size_t size)
{
    (void)position;
    Scrape *scrape = user;
    size_t length = gzip_read(scrape->gzip, out, size);
    return length ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t scrape_read(void *user, uint64_t position, char *out, size_t size)
{
    (void)position;
    Scrape *scrape = user;
    if (scrape->given == scrape->filled) {
        if (size >= PIECE_SIZE) {
            size_t length = exposition_read(scrape->exposition, out, size);
            return length ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
        }
        scrape->given = 0;
        scrape->filled = exposition_read(scrape->exposition, scrape->piece, PIECE_SIZE);
    }
    size_t length = scrape->filled - scrape->given;
    length = length < size ? length : size;
    memcpy(out, scrape->piece + scrape->given, length);
    scrape->given += length;
    return length ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}

static void release_unused(SharedSnapshot *shared)
{
    if (TAILQ_EMPTY(&shared->scrapes)) {
        snapshot_release(memory_steal(&shared->snapshot));
    }
}

static void scrape_free(void *user)
{
    Scrape *scrape = user;
    SharedSnapshot *shared = scrape->shared;
    TAILQ_REMOVE(&shared->scrapes, scrape, link);
    release_unused(shared);
    gzip_free(scrape->gzip);
    exposition_free(scrape->exposition);
    free(scrape);
}

static struct MHD_Response *scrape_response(Exchange *exchange, SharedSnapshot *shared, MetricsFormat format, bool gzip)
{
    Scrape *scrape = memory_new(sizeof *scrape);
    scrape->shared = shared;
    scrape->connection = exchange->connection;
    scrape->exposition = exposition_new(shared->snapshot, format);
    scrape->gzip = gzip ? gzip_new(read_exposition, scrape->exposition) : NULL;
    TAILQ_INSERT_TAIL(&shared->scrapes, scrape, link);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, gzip ? scrape_read_gzip : scrape_read,
                                             scrape, scrape_free);
}

static ssize_t read_nothing(void *user, uint64_t position, char *out, size_t size)
{
    (void)user, (void)position, (void)out, (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* The length is not known beforehand, and libmicrohttpd would send the end of chunks that never began. */
static struct MHD_Response *head_response(void)
{
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

static void scrape_answer(Exchange *exchange, SharedSnapshot *shared)
{
    bool openmetrics = headers_prefer(exchange->mhd, "Accept", accept_prefers_openmetrics);
    MetricsFormat format = openmetrics ? METRICS_OPENMETRICS : METRICS_TEXT;
    bool gzip = headers_prefer(exchange->mhd, "Accept-Encoding", accept_encoding_prefers_gzip) &&
                snapshot_size(shared->snapshot) <= GZIP_FORETOLD_MAX;
    answer_response(exchange, 200, media_types[format],
                    exchange->head ? head_response() : scrape_response(exchange, shared, format, gzip));
    answer_header(exchange, "Vary", "Accept, Accept-Encoding");
    if (gzip) {
        answer_header(exchange, "Content-Encoding", "gzip");
    }
}

/* --- all --- */

static void take(Server *server, SharedSnapshot *shared)
{
    const ServerView *view = &server->view;
    MetricsSources sources = {
        .engine = view->engine,
        .prefect = view->prefect,
        .references = view->references,
        .inventory = view->inventory,
        .journal = journal_statistics(view->journal),
        .catalogue = catalogue_statistics(view->catalogue),
        .http = &server->statistics,
        .tokens = view->tokens ? token_file_tokens(view->tokens)->count : 0,
        .tokens_broken = view->tokens && token_file_error(view->tokens),
        .loop = view->loop,
        .namespace = view->namespace,
        .external_url = view->configuration->http_external_url,
        .started_at = view->started_at,
        .prefect_api_url = server->prefect_url,
        .stage_state_set = view->configuration->metrics_stage_state_set,
        .histograms = view->configuration->metrics_histograms,
    };
    shared->snapshot = snapshot_take(&sources, server->now);
    shared->taken_at = server->now.boot_ms;
    shared->run = server->runs;
}

/* The one that was taken in this run, else a new one, else NULL: no place. */
static SharedSnapshot *current(Server *server)
{
    SharedSnapshot *place = NULL;
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        SharedSnapshot *shared = &server->scrapes.snapshots[i];
        if (shared->snapshot && shared->run == server->runs) {
            return shared;
        }
        place = shared->snapshot ? place : shared;
    }
    if (place) {
        take(server, place);
    }
    return place;
}

void handle_metrics(Exchange *exchange)
{
    Server *server = exchange->server;
    SharedSnapshot *shared = current(server);
    if (shared) {
        scrape_answer(exchange, shared);
        release_unused(shared); /* HEAD holds none */
    } else {
        server_queue(server, exchange, &server->scrapes.waiting);
    }
}

/* NULL: there is a place. */
static const SharedSnapshot *oldest(const Scrapes *scrapes)
{
    const SharedSnapshot *first = &scrapes->snapshots[0];
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        const SharedSnapshot *shared = &scrapes->snapshots[i];
        if (!shared->snapshot) {
            return NULL;
        }
        first = shared->taken_at < first->taken_at ? shared : first;
    }
    return first;
}

static int64_t gives_way_at(const SharedSnapshot *shared)
{
    return shared->taken_at + (int64_t)SCRAPE_SECONDS * 1000;
}

void scrapes_run(Server *server)
{
    Scrapes *scrapes = &server->scrapes;
    if (TAILQ_EMPTY(&scrapes->waiting)) {
        return;
    }
    const SharedSnapshot *late = oldest(scrapes);
    if (late && gives_way_at(late) <= server->now.boot_ms) {
        const Scrape *scrape;
        TAILQ_FOREACH(scrape, &late->scrapes, link)
        {
            shutdown(scrape->connection->fd, SHUT_RDWR);
        }
    }
    SharedSnapshot *shared = late ? NULL : current(server);
    for (Exchange *exchange; shared && (exchange = TAILQ_FIRST(&scrapes->waiting));) {
        TAILQ_REMOVE(&scrapes->waiting, exchange, link);
        scrape_answer(exchange, shared);
        server_resume(server, exchange);
    }
    if (shared) {
        release_unused(shared);
    }
}

int64_t scrapes_deadline(const Scrapes *scrapes, int64_t boot_ms)
{
    if (TAILQ_EMPTY(&scrapes->waiting)) {
        return TIME_NEVER;
    }
    const SharedSnapshot *late = oldest(scrapes);
    return late ? gives_way_at(late) : boot_ms;
}
