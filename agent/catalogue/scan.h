/* SPDX-License-Identifier: Apache-2.0 */
/* One look at the whole directory, in steps of bounded time: which files are there, and what those that differ from
 * what is known say now. It changes what is known of the files, not what is in force. */
#ifndef SENDPOST_CATALOGUE_SCAN_H
#define SENDPOST_CATALOGUE_SCAN_H

#include "base/error.h"
#include "catalogue/files.h"
#include "catalogue/watcher.h"

typedef struct ScanPlan {
    const char *directory;
    Files *files;
    Watcher *watcher;
    const DefinitionSource *source;
    uint64_t number; /* of this scan: larger than that of any before */
    bool trusting;   /* known files that the watcher does not suspect are not looked at */
    bool again;      /* files that were broken are read again, changed or not: what they refer to may have come */
} ScanPlan;

typedef struct Scan Scan;

/* Watches what it will look at, from now on. */
Scan *scan_new(const ScanPlan *plan);
void scan_free(Scan *scan);

/* Goes on until this boot time has come, one file at the least. True: it is done. */
bool scan_step(Scan *scan, int64_t until_ms);

/* Once it is done: */
bool scan_failed(const Scan *scan);         /* the directory itself cannot be read: nothing is known of its files */
const char *scan_problem(const Scan *scan); /* what else cannot be read; NULL: all was */
bool scan_torn(const Scan *scan);           /* the directory was changed meanwhile */
/* Takes over which files are present. */
void scan_accept(Scan *scan);

#endif
