/* SPDX-License-Identifier: Apache-2.0 */
/* Where the text comes from: each chapter is a book of its own, with the owners of one kind and the families of some
 * scopes. What is to be told of something else gets its scopes and items (items.h), its families (families.c) and a
 * line in this table. Within metrics/ only. */
#ifndef SENDPOST_METRICS_GATHERING_H
#define SENDPOST_METRICS_GATHERING_H

#include "metrics/book.h"

typedef enum ChapterKind {
    CHAPTER_SENDPOSTS,
    CHAPTER_FILES,
    CHAPTER_ENDPOINTS,
    CHAPTER_HANDLERS,
    CHAPTER_AGENT,
    CHAPTER_INVENTORY,
    CHAPTER_NUMBERS,
    CHAPTER_DEPLOYMENTS,
    CHAPTER_WORK_POOLS,
    CHAPTER_WORK_QUEUES,
    CHAPTER_WORKERS,
    CHAPTERS
} ChapterKind;

typedef struct Chapter {
    unsigned scopes;
    /* Meets all owners there are, by key. A kind that may be many stops when the renewal does not go on. */
    void (*gather)(Renewal *renewal, const MetricsSources *sources);
    /* While it is the same as it was when all owners were met, no owner is another. NULL: look in any case. */
    Version (*version)(const MetricsSources *sources);
} Chapter;

extern const Chapter chapters[CHAPTERS];

/* gathering_sendposts.c */
void gather_sendposts(Renewal *renewal, const MetricsSources *sources);
Version sendposts_version(const MetricsSources *sources);

/* gathering_inventory.c: nothing while there is no inventory or, but for the first, while a list has not been read */
void gather_inventory(Renewal *renewal, const MetricsSources *sources);
void gather_numbers(Renewal *renewal, const MetricsSources *sources);
void gather_deployments(Renewal *renewal, const MetricsSources *sources);
void gather_work_pools(Renewal *renewal, const MetricsSources *sources);
void gather_work_queues(Renewal *renewal, const MetricsSources *sources);
void gather_workers(Renewal *renewal, const MetricsSources *sources);
Version inventory_chapter_version(const MetricsSources *sources);
Version workers_version(const MetricsSources *sources);

#endif
