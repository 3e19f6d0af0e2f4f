/* SPDX-License-Identifier: Apache-2.0 */
/* A scrape is sent from where its text is kept, in pieces, for which libmicrohttpd needs some of the connection's
 * memory. When there are too many for it, or others are being sent, or the text is so large that sending it at once
 * would hold everybody up, it is copied block by block while it is sent; its length is known, so that the block is one
 * of ours, and not what is left of that memory. */
#include "api/scrapes.h"
#include "api/answer.h"
#include "api/gzip.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/negotiation.h"
#include "base/assert.h"
#include "base/memory.h"
#include <string.h>

static const char *const media_types[METRICS_FORMATS] = {"text/plain; version=0.0.4; charset=utf-8",
                                                         "application/openmetrics-text; version=1.0.0; charset=utf-8"};

enum {
    BLOCK_SIZE = 512 * 1024,
    PIECES_MAX = 1000, /* fewer than sendmsg takes at once: libmicrohttpd would wait in vain to send the rest */
    PIECES_SIZE_MAX = 8 * 1024 * 1024, /* all of it may go out in one turn: some 3 ms */
    GZIP_SIZE_MAX = 1024 * 1024,       /* beyond this compressing holds the loop for longer than it saves */
};

struct Scrape {
    TAILQ_ENTRY(Scrape) link;
    Scrapes *scrapes;
    SharedSnapshot *shared;
    Connection *connection;
    Exposition *exposition;
    Gzip *gzip; /* NULL: sent as it is */
};

void scrapes_init(Scrapes *scrapes, const Configuration *configuration)
{
    TAILQ_INIT(&scrapes->waiting);
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        TAILQ_INIT(&scrapes->snapshots[i].scrapes);
    }
    scrapes->text = metrics_text_new(configuration->metrics_stage_state_set, configuration->metrics_histograms);
    scrapes->forget_at = TIME_NEVER;
}

void scrapes_release(Scrapes *scrapes)
{
    metrics_text_free(scrapes->text);
}

void scrapes_forget(Scrapes *scrapes)
{
    metrics_text_clear(scrapes->text);
    scrapes->forget_at = TIME_NEVER;
}

/* --- one --- */

static size_t read_exposition(void *user, char *out, size_t size)
{
    return exposition_read(user, out, size);
}

static ssize_t end_or(size_t length)
{
    return length ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t scrape_read_gzip(void *user, uint64_t position, char *out, size_t size)
{
    (void)position;
    return end_or(gzip_read(((Scrape *)user)->gzip, out, size));
}

static ssize_t scrape_read(void *user, uint64_t position, char *out, size_t size)
{
    (void)position;
    return end_or(exposition_read(((Scrape *)user)->exposition, out, size));
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
    scrape->scrapes->count--;
    release_unused(shared);
    gzip_free(scrape->gzip);
    exposition_free(scrape->exposition);
    free(scrape);
}

/* That libmicrohttpd has memory for. */
static size_t pieces_max(struct MHD_Connection *connection)
{
    size_t taken = headers_size(connection) + ANSWER_HEAD_MAX;
    size_t room = taken < CONNECTION_MEMORY ? (CONNECTION_MEMORY - taken) / sizeof(struct MHD_IoVec) : 0;
    return room < PIECES_MAX ? room : PIECES_MAX;
}

/* NULL: not so. */
static struct MHD_Response *response_of_pieces(Exchange *exchange, Scrape *scrape, size_t size)
{
    if (size > PIECES_SIZE_MAX || scrape->scrapes->count > 1) {
        return NULL;
    }
    Piece pieces[PIECES_MAX];
    struct MHD_IoVec parts[PIECES_MAX];
    size_t count = exposition_pieces(scrape->exposition, pieces, pieces_max(exchange->mhd));
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct MHD_IoVec){pieces[i].text, pieces[i].length};
    }
    return count ? MHD_create_response_from_iovec(parts, (unsigned)count, scrape_free, scrape) : NULL;
}

static struct MHD_Response *response_of_blocks(Scrape *scrape, size_t size)
{
    return MHD_create_response_from_callback(size, size < BLOCK_SIZE ? size : BLOCK_SIZE, scrape_read, scrape,
                                             scrape_free);
}

static struct MHD_Response *scrape_response(Exchange *exchange, SharedSnapshot *shared, MetricsFormat format, bool gzip)
{
    Scrape *scrape = memory_new(sizeof *scrape);
    scrape->scrapes = &exchange->server->scrapes;
    scrape->scrapes->count++;
    scrape->shared = shared;
    scrape->connection = exchange->connection;
    scrape->exposition = exposition_new(shared->snapshot, format);
    scrape->gzip = gzip ? gzip_new(read_exposition, scrape->exposition) : NULL;
    TAILQ_INSERT_TAIL(&shared->scrapes, scrape, link);
    if (gzip) {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, scrape_read_gzip, scrape, scrape_free);
    }
    size_t size = snapshot_size(shared->snapshot, format);
    struct MHD_Response *response = response_of_pieces(exchange, scrape, size);
    return response ? response : response_of_blocks(scrape, size);
}

static void scrape_answer(Exchange *exchange, SharedSnapshot *shared)
{
    bool openmetrics = headers_prefer(exchange->mhd, "Accept", accept_prefers_openmetrics);
    MetricsFormat format = openmetrics ? METRICS_OPENMETRICS : METRICS_TEXT;
    bool gzip = headers_prefer(exchange->mhd, "Accept-Encoding", accept_encoding_prefers_gzip) &&
                snapshot_size(shared->snapshot, format) <= GZIP_SIZE_MAX;
    if (exchange->head && gzip) {
        answer_head(exchange, media_types[format]);
    } else {
        answer_response(exchange, 200, media_types[format], scrape_response(exchange, shared, format, gzip));
    }
    answer_header(exchange, "Vary", "Accept, Accept-Encoding");
    if (gzip) {
        answer_header(exchange, "Content-Encoding", "gzip");
    }
}

/* --- all --- */

/* False: more has to be written first than one run may. Whoever has waited for long gets it at once all the same: it
 * must not be that what changes faster than this is never shown. */
static bool take(Server *server, SharedSnapshot *shared)
{
    const ServerView *view = &server->view;
    Scrapes *scrapes = &server->scrapes;
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
        .now_wall_ms = server->now.wall_ms,
    };
    int64_t now = server->now.boot_ms;
    scrapes->wanted_since = scrapes->wanted_since ? scrapes->wanted_since : now;
    bool patient = now - scrapes->wanted_since < (int64_t)SCRAPE_PREPARE_SECONDS * 1000;
    shared->snapshot = snapshot_take(scrapes->text, &sources, patient ? SCRAPE_WRITTEN_MAX : SIZE_MAX);
    scrapes->forget_at = now + (int64_t)SCRAPE_KEPT_SECONDS * 1000;
    if (!shared->snapshot) {
        return false;
    }
    shared->taken_at = now;
    shared->run = server->runs;
    scrapes->wanted_since = 0;
    return true;
}

static bool is_full(const Scrapes *scrapes)
{
    bool full = true;
    for (size_t i = 0; full && i < SNAPSHOTS_MAX; i++) {
        full = scrapes->snapshots[i].snapshot != NULL;
    }
    return full || scrapes->count >= SCRAPES_MAX;
}

/* The one that was taken in this run, else a new one, else NULL: no place, or not yet. */
static SharedSnapshot *current(Server *server)
{
    Scrapes *scrapes = &server->scrapes;
    SharedSnapshot *place = NULL;
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        SharedSnapshot *shared = &scrapes->snapshots[i];
        if (shared->snapshot && shared->run == server->runs) {
            return scrapes->count < SCRAPES_MAX ? shared : NULL;
        }
        place = shared->snapshot ? place : shared;
    }
    return place && scrapes->count < SCRAPES_MAX && take(server, place) ? place : NULL;
}

void handle_metrics(Exchange *exchange)
{
    Server *server = exchange->server;
    SharedSnapshot *shared = TAILQ_EMPTY(&server->scrapes.waiting) ? current(server) : NULL;
    if (shared) {
        scrape_answer(exchange, shared);
        release_unused(shared); /* HEAD may hold none */
    } else {
        server_queue(server, exchange, &server->scrapes.waiting);
    }
}

/* There is one. */
static const SharedSnapshot *oldest(const Scrapes *scrapes)
{
    const SharedSnapshot *first = NULL;
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        const SharedSnapshot *shared = &scrapes->snapshots[i];
        if (shared->snapshot && (!first || shared->taken_at < first->taken_at)) {
            first = shared;
        }
    }
    invariant(first);
    return first;
}

static int64_t gives_way_at(const SharedSnapshot *shared)
{
    return shared->taken_at + (int64_t)SCRAPE_SECONDS * 1000;
}

static void cut_oldest(const Scrapes *scrapes, int64_t now)
{
    const SharedSnapshot *late = oldest(scrapes);
    const Scrape *scrape;
    if (gives_way_at(late) <= now) {
        TAILQ_FOREACH(scrape, &late->scrapes, link)
        {
            shutdown(scrape->connection->fd, SHUT_RDWR);
        }
    }
}

void scrapes_run(Server *server)
{
    Scrapes *scrapes = &server->scrapes;
    int64_t now = server->now.boot_ms;
    if (TAILQ_EMPTY(&scrapes->waiting)) {
        if (scrapes->forget_at <= now) {
            scrapes_forget(scrapes);
        }
        return;
    }
    if (is_full(scrapes)) {
        cut_oldest(scrapes, now);
    }
    SharedSnapshot *shared = NULL;
    for (Exchange *exchange; (exchange = TAILQ_FIRST(&scrapes->waiting)) && (shared = current(server));) {
        TAILQ_REMOVE(&scrapes->waiting, exchange, link);
        scrape_answer(exchange, shared);
        release_unused(shared);
        server_resume(server, exchange);
    }
}

int64_t scrapes_deadline(const Scrapes *scrapes, int64_t boot_ms)
{
    if (TAILQ_EMPTY(&scrapes->waiting)) {
        return scrapes->forget_at;
    }
    return is_full(scrapes) ? gives_way_at(oldest(scrapes)) : boot_ms;
}
