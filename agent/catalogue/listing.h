/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a directory of definitions entry by entry, so that a walk can be interrupted: *.yaml and *.yml at any depth,
 * names that begin with a dot passed over, symbolic links followed (one that leads back to a directory in which it lies
 * is passed over). */
#ifndef SENDPOST_CATALOGUE_LISTING_H
#define SENDPOST_CATALOGUE_LISTING_H

#include "base/error.h"
#include "base/stamp.h"

typedef enum ListedKind {
    LISTED_END,
    LISTED_DIRECTORY, /* its entries come next */
    LISTED_FILE,
    LISTED_DANGLING, /* a symbolic link to nothing, where a directory may have been */
    LISTED_FAILURE,  /* a directory that cannot be read, a file too many: what is there is not known */
    LISTED_VANISHED, /* what was there a moment ago: the directory is being changed */
} ListedKind;

/* Texts are valid until the next call. */
typedef struct Listed {
    ListedKind kind;
    const char *path; /* as it can be opened */
    const char *name; /* relative to the root; of the root itself "" */
    bool link;        /* it is a symbolic link */
    bool trusted;     /* FILE: it was not looked at */
    Stamp stamp;      /* DIRECTORY, FILE: of what is behind the link; all zero: nothing */
    Error error;      /* FAILURE */
} Listed;

typedef struct Listing Listing;

/* Whether a regular file is as it was, so that it need not be looked at. */
typedef bool ListingTrust(void *user, const char *name, const char *entry);

Listing *listing_new(const char *root, ListingTrust *trust, void *user); /* trust may be NULL: none is */
void listing_free(Listing *listing);
ListedKind listing_next(Listing *listing, Listed *listed);

#endif
