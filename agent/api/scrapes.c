/* SPDX-License-Identifier: Apache-2.0 */
/* A scrape is rendered piece by piece while it is sent, so that a large one holds nobody up. libmicrohttpd offers what
 * is left of the connection's memory, which large request headers can make smaller than what the exposition wants: then
 * a piece is rendered aside and handed over in parts. */
#include "api/scrapes.h"
#include "api/answer.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/memory.h"
#include <string.h>

static const char media_exposition[] = "text/plain; version=0.0.4; charset=utf-8";

enum { BLOCK_SIZE = 64 * 1024, PIECE_SIZE = 4096 };

struct Scrape {
    TAILQ_ENTRY(Scrape) link;
    SharedSnapshot *shared;
    Connection *connection;
    Exposition *exposition;
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

static void scrape_free(void *user)
{
    Scrape *scrape = user;
    SharedSnapshot *shared = scrape->shared;
    TAILQ_REMOVE(&shared->scrapes, scrape, link);
    if (TAILQ_EMPTY(&shared->scrapes)) {
        snapshot_release(memory_steal(&shared->snapshot));
    }
    exposition_free(scrape->exposition);
    free(scrape);
}

static void scrape_answer(Exchange *exchange, SharedSnapshot *shared)
{
    Scrape *scrape = memory_new(sizeof *scrape);
    scrape->shared = shared;
    scrape->connection = exchange->connection;
    scrape->exposition = exposition_new(shared->snapshot);
    TAILQ_INSERT_TAIL(&shared->scrapes, scrape, link);
    answer_response(exchange, 200, media_exposition,
                    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, scrape_read, scrape, scrape_free));
}

/* --- all --- */

static void take(Server *server, SharedSnapshot *shared)
{
    const ServerView *view = &server->view;
    MetricsSources sources = {
        .engine = view->engine,
        .prefect = view->prefect,
        .references = view->references,
        .journal = journal_statistics(view->journal),
        .catalogue = catalogue_statistics(view->catalogue),
        .http = &server->statistics,
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
    SharedSnapshot *shared = exchange->head ? NULL : current(server);
    if (exchange->head) {
        answer_head(exchange, media_exposition);
    } else if (shared) {
        scrape_answer(exchange, shared);
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
}

int64_t scrapes_deadline(const Scrapes *scrapes, int64_t boot_ms)
{
    if (TAILQ_EMPTY(&scrapes->waiting)) {
        return TIME_NEVER;
    }
    const SharedSnapshot *late = oldest(scrapes);
    return late ? gives_way_at(late) : boot_ms;
}
