/* SPDX-License-Identifier: Apache-2.0 */
/* The definition files that are known: as they were read last, and what is in force of them. */
#ifndef SENDPOST_CATALOGUE_FILES_H
#define SENDPOST_CATALOGUE_FILES_H

#include "base/map.h"
#include "base/stamp.h"
#include "definitions/definition.h"

typedef struct Fault {
    char *message; /* NULL: none */
    int line, column;
} Fault;

typedef struct File {
    char *name;    /* relative to the directory */
    uint64_t seen; /* the scan that found it last */
    bool present;  /* the last scan found it */
    bool read;     /* with this stamp: it need not be read again */
    Stamp stamp;
    char digest[DIGEST_HEX_SIZE]; /* of its bytes as they are */
    Definition *current;          /* what it says now; NULL: nothing, for this fault */
    Fault fault;
    char *said_name;    /* of a broken one: the sendpost's name, as far as it can be told; NULL */
    struct File *rival; /* it is refused, as this one has the name; of the last judgement */
    struct File *next;  /* used by judging */
    Definition *good;   /* in force: the last good one; NULL: none */
    char *revision;     /* that it came with; NULL: not known */
    bool kept;          /* both are as they were remembered */
    Definition *told;   /* what the engine has; NULL: nothing */
    Fault told_fault;
} File;

typedef struct Files {
    File **items; /* by name, unless unsorted */
    size_t count, capacity;
    bool unsorted;
    bool changed; /* something differs from what was judged: */
    bool unclear; /* and not only what files say that keep their names */
    Map *by_name;
} Files;

void files_init(Files *files);
void files_release(Files *files);
File *files_of(Files *files, const char *name); /* finds or makes it */
void files_sort(Files *files);
void files_forget(Files *files, File *file); /* what is known of one that the last scan did not find */
void files_drop_absent(Files *files);        /* those, once they are forgotten */
/* Of the names and contents of those that are present; the files are sorted. */
void files_digest(const Files *files, char hex[DIGEST_HEX_SIZE]);

void fault_set(Fault *fault, const char *message, int line, int column); /* copies */
bool fault_equal(const Fault *a, const Fault *b);

#endif
