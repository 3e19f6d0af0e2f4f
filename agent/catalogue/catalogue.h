/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of definition files: what is there, what is good, what was last good. One file, one sendpost; each
 * stands alone. Results come as the engine's happenings. Contract: "What users write", "The directory". */
#ifndef SENDPOST_CATALOGUE_CATALOGUE_H
#define SENDPOST_CATALOGUE_CATALOGUE_H

#include "base/error.h"
#include "definitions/definition.h"

typedef struct CatalogueStatistics {
    size_t loaded, broken;           /* files */
    bool last_reload_successful;     /* the directory was read and no file is broken */
    int64_t last_reload_success_at;  /* wall ms */
    const char *applied, *attempted; /* revisions; borrowed; "" before the first scan */
    const char *error;               /* why the directory cannot be read; NULL while it can */
} CatalogueStatistics;

typedef enum CatalogueChangeKind { CATALOGUE_LOADED, CATALOGUE_BROKEN, CATALOGUE_GONE } CatalogueChangeKind;

/* One change since the last scan. Texts are borrowed until the next catalogue call. */
typedef struct CatalogueChange {
    CatalogueChangeKind kind;
    const char *file; /* relative to the directory */
    const char *revision;
    Definition *definition; /* LOADED: borrowed */
    const char *message;    /* BROKEN, from here on: the first error */
    int line, column;
} CatalogueChange;

typedef struct Catalogue Catalogue;

Catalogue *catalogue_new(const char *directory);
void catalogue_free(Catalogue *catalogue);

/* Before the first scan: what was last good of the file of that name, from the journal. It stands when the file is
 * broken now. */
void catalogue_remember(Catalogue *catalogue, const char *name, const char *text, size_t length);

/* Compares the directory with what is known (by size, times, inode; reads only what differs) and queues the changes. A
 * directory that cannot be read changes nothing (false, error). */
bool catalogue_scan(Catalogue *catalogue, int64_t now_ms, Error *error);
bool catalogue_take(Catalogue *catalogue, CatalogueChange *change);

/* Queues all that is known once more: for an engine that was built again. */
void catalogue_replay(Catalogue *catalogue);

/* For reading pinned texts: definitions with the same zones as the files'. NULL: findings say why. */
Definition *catalogue_read_text(Catalogue *catalogue, const char *text, size_t length, Findings *findings);
/* The same as a DefinitionSource; valid as long as the catalogue. */
const DefinitionSource *catalogue_source(Catalogue *catalogue);

const CatalogueStatistics *catalogue_statistics(const Catalogue *catalogue);

/* The files that count as definitions below a directory (or the file itself), sorted; relative to it. For `check`. */
bool catalogue_list(const char *directory, char ***files, size_t *count, Error *error);

/* The Git commit of the work tree that the directory lies in (HEAD, refs, packed refs, linked work trees), read from
 * files; new memory. NULL when it lies in none. */
char *catalogue_git_commit(const char *directory);

#endif
