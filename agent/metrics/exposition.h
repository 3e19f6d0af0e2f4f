/* SPDX-License-Identifier: Apache-2.0 */
/* The /metrics text. A snapshot copies the numbers in one go, so that a scrape is consistent however long it takes to
 * send; the text is rendered from it piece by piece, so that no scrape holds the loop. Every family is declared once,
 * in a table: name, type, labels, help, and how to render it. Contract: metrics.md. */
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
    bool stage_state_set, histograms;
} MetricsSources;

typedef struct Snapshot Snapshot;

Snapshot *snapshot_take(const MetricsSources *sources, Now now); /* one reference */
void snapshot_release(Snapshot *snapshot);

/* Prometheus' text format 0.0.4, and OpenMetrics 1.0.0. */
typedef enum MetricsFormat { METRICS_TEXT, METRICS_OPENMETRICS, METRICS_FORMATS } MetricsFormat;

/* How many bytes it makes: never too few, at most twice as many. */
size_t snapshot_size(const Snapshot *snapshot);

typedef struct Exposition Exposition;

Exposition *exposition_new(Snapshot *snapshot, MetricsFormat format); /* holds it */
void exposition_free(Exposition *exposition);
/* Renders the next at most `size` bytes (at least 4096 are offered); 0 at the end. Bounded work per call. */
size_t exposition_read(Exposition *exposition, char *out, size_t size);

/* For `check`: the number of series that a file with this definition costs (NULL: a broken file), those aside that are
 * there only while something is wrong. */
size_t exposition_series(const Definition *definition, bool stage_state_set, bool histograms);

#endif
