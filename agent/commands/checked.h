/* SPDX-License-Identifier: Apache-2.0 */
/* The files that `check` looks at, each with what was found in it. */
#ifndef SENDPOST_COMMANDS_CHECKED_H
#define SENDPOST_COMMANDS_CHECKED_H

#include "catalogue/catalogue.h"
#include "definitions/places.h"
#include <sys/types.h>

typedef struct CheckedFile {
    char *path; /* as it was named, or found below what was named */
    char *text; /* NULL: it cannot be read, or is not shown */
    size_t length;
    size_t argument; /* which one named it */
    dev_t device;    /* what tells it from the others, however it is named */
    ino_t inode;
    bool is_definition;     /* else the configuration, or a path that is not there */
    bool told;              /* its finding was complained about instead */
    Definition *definition; /* NULL: broken */
    bool duplicate;         /* another file has its name: the agent refuses both */
    Findings findings;
    Places *places; /* once needed */
} CheckedFile;

typedef struct CheckedFiles {
    Catalogue *catalogue; /* reads the definitions, owns their zones */
    CheckedFile *items;
    size_t count, capacity;
} CheckedFiles;

/* A file, or all definitions of a directory; what an earlier argument has named is not taken again. Returns what is not
 * there or cannot be listed, with its one finding, or NULL. */
CheckedFile *checked_add_path(CheckedFiles *files, const char *path, size_t argument);
/* Something that is no definition, without its text. */
CheckedFile *checked_add_other(CheckedFiles *files, const char *path);
/* Errors for the files that share a name. */
void checked_find_duplicates(CheckedFiles *files);
/* A finding at a key of a stage (node -1: of the sendpost), as places_find. */
void checked_finding(CheckedFile *file, Severity severity, int node, const char *key, const char *inner,
                     const char *message);
void checked_release(CheckedFiles *files); /* and its catalogue */

#endif
