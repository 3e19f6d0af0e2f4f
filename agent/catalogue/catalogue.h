/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of definition files, live: what is there, what is good, what was last good. One file, one sendpost;
 * each stands alone. Changes are noticed by inotify and by comparing every 10 s, and taken when they have been quiet
 * for a moment and Git is done. Results come as the engine's happenings. Contract: "What users write", "The directory".
 */
#ifndef SENDPOST_CATALOGUE_CATALOGUE_H
#define SENDPOST_CATALOGUE_CATALOGUE_H

#include "base/error.h"
#include "definitions/definition.h"
#include "time/instant.h"

/* What is not as it could be, and yet works: said in the log. */
typedef enum CatalogueNotice {
    NOTICE_WATCHING, /* not everything is watched: changes are noticed by comparing */
    NOTICE_REVISION, /* there is a Git work tree, but its commit is not known: the revision is a digest */
    NOTICE_LOCK,     /* Git has been at work for so long that it is not waited for */
    CATALOGUE_NOTICES
} CatalogueNotice;

typedef struct CatalogueStatistics {
    size_t loaded, broken;           /* files */
    bool last_reload_successful;     /* all was read, and no file is broken */
    int64_t last_reload_success_at;  /* wall ms */
    const char *applied, *attempted; /* revisions; borrowed; "" before the first scan */
    const char *error;               /* what cannot be read of the directory; NULL: all can */
    const char *notices[CATALOGUE_NOTICES];
    uint64_t zones_renewed; /* how often a time zone got new data */
} CatalogueStatistics;

typedef enum CatalogueChangeKind { CATALOGUE_LOADED, CATALOGUE_BROKEN, CATALOGUE_GONE } CatalogueChangeKind;

/* One change. Texts are borrowed until the next catalogue call. */
typedef struct CatalogueChange {
    CatalogueChangeKind kind;
    const char *file; /* relative to the directory */
    const char *revision;
    Definition *definition; /* borrowed. LOADED: now in force; GONE: the last good one, or NULL */
    const char *message;    /* BROKEN, from here on: the first error */
    int line, column;
    bool kept; /* LOADED: as it was remembered */
} CatalogueChange;

typedef struct Catalogue Catalogue;

Catalogue *catalogue_new(const char *directory);
void catalogue_free(Catalogue *catalogue);

/* What the journal has as last good of a file. Before the first scan: it stands when the file is broken now. Later: if
 * there is no such file, that is told once more. */
void catalogue_remember(Catalogue *catalogue, const char *name, const char *revision, const char *text, size_t length);

/* The revision that was wholly in force last; NULL: not known. Before the first scan. */
void catalogue_remember_applied(Catalogue *catalogue, const char *revision);

/* A slice of the work: notices, waits, looks, reads; 2 ms or one file. */
void catalogue_run(Catalogue *catalogue, Now now);
int64_t catalogue_deadline(const Catalogue *catalogue, Now now); /* boot ms: when to run it next */
int catalogue_descriptor(const Catalogue *catalogue);            /* readable: run it; -1: none */
/* Wants a scan that begins from now on, at once; its number. */
uint64_t catalogue_request(Catalogue *catalogue);
/* The first scan, whole. Should Git be at work, it comes later, and what is remembered is in force until then. */
void catalogue_start(Catalogue *catalogue);

/* The next change to step. */
bool catalogue_take(Catalogue *catalogue, CatalogueChange *change);
/* After each commit of what was taken. True when a scan is done and all of it committed. */
typedef struct CatalogueOutcome {
    uint64_t number; /* every scan that was wanted up to this one is answered */
    bool requested;
    size_t changes;
} CatalogueOutcome;
bool catalogue_settle(Catalogue *catalogue, int64_t now_ms, CatalogueOutcome *outcome);

/* Queues all that is known once more: for an engine that was built again. */
void catalogue_replay(Catalogue *catalogue);

/* For reading pinned texts: definitions with the same zones as the files'. NULL: findings say why. */
Definition *catalogue_read_text(Catalogue *catalogue, const char *text, size_t length, Findings *findings);

const CatalogueStatistics *catalogue_statistics(const Catalogue *catalogue);

/* The files that count as definitions below a directory (or the file itself), sorted; relative to it. For `check`. */
bool catalogue_list(const char *directory, char ***files, size_t *count, Error *error);

#endif
