/* SPDX-License-Identifier: Apache-2.0 */
/* A scrape takes its snapshot at once and renders it piece by piece while it is sent, so that a large one holds nobody
 * up. libmicrohttpd offers what is left of the connection's memory, which large request headers can make smaller than
 * what the exposition wants: then a piece is rendered aside and handed over in parts. */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/memory.h"
#include <string.h>

static const char media_exposition[] = "text/plain; version=0.0.4; charset=utf-8";

enum { BLOCK_SIZE = 64 * 1024, PIECE_SIZE = 4096 };

typedef struct Scrape {
    Exposition *exposition;
    char piece[PIECE_SIZE];
    size_t given, filled;
} Scrape;

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
    exposition_free(scrape->exposition);
    free(scrape);
}

void handle_metrics(Exchange *exchange)
{
    if (exchange->head) { /* libmicrohttpd would end a body of unknown length that it has not begun */
        answer_constant(exchange, 200, media_exposition, "");
        return;
    }
    const Server *server = exchange->server;
    const ServerView *view = &server->view;
    MetricsSources sources = {
        .engine = view->engine,
        .prefect = view->prefect,
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
    Scrape *scrape = memory_new(sizeof *scrape);
    Snapshot *snapshot = snapshot_take(&sources, server->now);
    scrape->exposition = exposition_new(snapshot);
    snapshot_release(snapshot);
    answer_response(exchange, 200, media_exposition,
                    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, scrape_read, scrape, scrape_free));
}
