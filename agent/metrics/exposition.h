/* SPDX-License-Identifier: Apache-2.0 */
/* The /metrics text. What is told of a sendpost or a file is kept as text and written again only when it may be
 * another; a snapshot is what all of it is at one moment: it holds texts that never change, so that a scrape is
 * consistent however long it takes to send, and copies only what is new. Every family is declared once, in a table:
 * name, type, labels, help, and how to write it. Contract: metrics.md. */
#ifndef SENDPOST_METRICS_EXPOSITION_H
#define SENDPOST_METRICS_EXPOSITION_H

#include "catalogue/catalogue.h"
#include "engine/engine.h"
#include "inventory/inventory.h"
#include "journal/journal.h"
#include "metrics/statistics.h"
#include "prefect/client.h"
#include "references/standing.h"

typedef struct MetricsSources {
    const Engine *engine;
    const PrefectStatistics *prefect;
    const Standing *references; /* NULL: nothing was checked */
    const Inventory *inventory; /* NULL: not enabled */
    const JournalStatistics *journal;
    const CatalogueStatistics *catalogue;
    const HttpStatistics *http;
    size_t tokens;      /* in force */
    bool tokens_broken; /* their file is not in force as it is */
    const LoopStatistics *loop;
    const char *namespace, *external_url, *prefect_api_url; /* the last without credentials */
    int64_t started_at;                                     /* of the process: wall ms */
    int64_t now_wall_ms;
} MetricsSources;

/* Prometheus' text format 0.0.4, and OpenMetrics 1.0.0. */
typedef enum MetricsFormat { METRICS_TEXT, METRICS_OPENMETRICS, METRICS_FORMATS } MetricsFormat;

/* What is kept between scrapes. It outlives its snapshots. */
typedef struct MetricsText MetricsText;

MetricsText *metrics_text_new(bool stage_state_set, bool histograms);
void metrics_text_free(MetricsText *text);
/* Forgets all: the next snapshot is of another engine, or nobody wants one any more. */
void metrics_text_clear(MetricsText *text);

typedef struct Snapshot Snapshot;

/* One reference; all of one moment. NULL: more has changed than `budget` bytes tell; a part of it is written now, and
 * the next call, in another turn, goes on with what is then to be written. */
Snapshot *snapshot_take(MetricsText *text, const MetricsSources *sources, size_t budget);
void snapshot_release(Snapshot *snapshot);
size_t snapshot_size(const Snapshot *snapshot, MetricsFormat format); /* bytes of the whole text */

typedef struct Exposition Exposition;

Exposition *exposition_new(Snapshot *snapshot, MetricsFormat format); /* holds it */
void exposition_free(Exposition *exposition);
/* Copies the next at most `size` bytes; 0 at the end. */
size_t exposition_read(Exposition *exposition, char *out, size_t size);

typedef struct Piece {
    const char *text;
    size_t length; /* > 0 */
} Piece;

/* Instead of reading: the whole text in at most `max` pieces, the large ones where they are kept, as copying is most of
 * what a large scrape costs. Valid until the exposition is freed. Returns how many; 0: too much would be copied. */
size_t exposition_pieces(Exposition *exposition, Piece *pieces, size_t max);

/* For `check`: the number of series that a file with this definition costs (NULL: a broken file), those aside that are
 * there only while something is wrong. */
size_t exposition_series(const Definition *definition, bool stage_state_set, bool histograms);

#endif
