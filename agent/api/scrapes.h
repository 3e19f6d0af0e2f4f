/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of /metrics that are being sent. A snapshot holds the text as it was, so that there are few at a time:
 * scrapes that come in the same run of the server share one. A scrape waits while there is no place for it, or while
 * what has changed is being written, a part in each run; then all that wait get one new snapshot together. Whoever has
 * been reading for long gives way to those who wait. */
#ifndef SENDPOST_API_SCRAPES_H
#define SENDPOST_API_SCRAPES_H

#include "api/exchange.h"
#include "base/limits.h"
#include "configuration/configuration.h"
#include "metrics/exposition.h"

typedef struct Scrape Scrape;
typedef TAILQ_HEAD(ScrapeList, Scrape) ScrapeList;

/* One snapshot and the scrapes that are rendered from it. */
typedef struct SharedSnapshot {
    Snapshot *snapshot; /* NULL: this place is free */
    int64_t taken_at;   /* boot ms */
    uint64_t run;       /* of the server, in which it was taken */
    ScrapeList scrapes;
} SharedSnapshot;

typedef struct Scrapes {
    MetricsText *text;
    int64_t forget_at; /* boot ms, here and below: nobody has scraped for long */
    SharedSnapshot snapshots[SNAPSHOTS_MAX];
    size_t count; /* of those that are being sent */
    ExchangeList waiting;
    int64_t wanted_since; /* a snapshot; 0: none is */
} Scrapes;

void scrapes_init(Scrapes *scrapes, const Configuration *configuration);
void scrapes_release(Scrapes *scrapes); /* none is being sent */
/* The text is of another engine from now on. */
void scrapes_forget(Scrapes *scrapes);

/* What waits and has a place now is answered; what is in its way for too long is cut off. */
void scrapes_run(struct Server *server);
/* The boot time by which scrapes_run should be called, or TIME_NEVER. */
int64_t scrapes_deadline(const Scrapes *scrapes, int64_t boot_ms);

#endif
