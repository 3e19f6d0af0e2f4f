/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine has yet to be told, in order. */
#ifndef SENDPOST_CATALOGUE_CHANGES_H
#define SENDPOST_CATALOGUE_CHANGES_H

#include "catalogue/catalogue.h"
#include "catalogue/files.h"

typedef struct QueuedChange {
    CatalogueChangeKind kind;
    char *file, *revision;
    Definition *definition; /* a reference */
    Fault fault;
    bool kept;
} QueuedChange;

typedef struct Queue {
    QueuedChange *items;
    size_t first, count, capacity;
    size_t pushed;      /* since this was 0 */
    size_t told;        /* how far telling the differences has come */
    QueuedChange taken; /* given out last */
} Queue;

void queue_release(Queue *queue);
void queue_clear(Queue *queue);
bool queue_empty(const Queue *queue);
bool queue_take(Queue *queue, CatalogueChange *change); /* its texts are valid until the next call */

/* That the file is gone. A sendpost that another file defines by now is not retired by it. last: what was last good of
 * it; NULL when that is not known. */
void queue_gone(Queue *queue, const char *file, Definition *last);
/* What is in force or wrong and not told yet, in the order of the files, then which files are gone: a bounded part of
 * it; true: all was told. Sorts the files, and forgets those that are gone. revision: of the files as they are. */
bool queue_differences(Queue *queue, Files *files, const Map *holders, const char *revision);

#endif
