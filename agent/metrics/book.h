/* SPDX-License-Identifier: Apache-2.0 */
/* The text of many owners of one kind (all sendposts, all files), in the order of their keys, kept from one scrape to
 * the next. A renewal is a walk over the owners there are now: only those are written again whose version is another
 * than it was; a page is made anew only where one of its owners was written, came or went. Within metrics/ only.
 *
 *     book_renew(&renewal, book, budget);
 *     while (renewal_goes_on(&renewal) && next owner, by key)
 *         if (!renewal_meets(&renewal, key, version)) renewal_write(&renewal, key, version, items);
 *     done = renewal_end(&renewal);
 */
#ifndef SENDPOST_METRICS_BOOK_H
#define SENDPOST_METRICS_BOOK_H

#include "metrics/page.h"

enum {
    PAGE_OWNERS_MAX = 32,
    PAGE_SIZE_MAX = 512 * 1024, /* but for one owner alone */
    DRAFT_OWNERS_MAX = 2 * PAGE_OWNERS_MAX,
    DRAFT_SIZE_MAX = 2 * PAGE_SIZE_MAX,
};

/* Two numbers, as what is told of an owner may come from two places. Two owners never have the same. */
typedef struct Version {
    uint64_t first, second;
} Version;

typedef struct Owner {
    char *key;
    Version version;
    size_t size; /* of its text, all slots */
} Owner;

typedef struct Leaf {
    Page *page;
    size_t count;
    Owner owners[PAGE_OWNERS_MAX];
} Leaf;

typedef struct Book {
    const Lines *lines;
    unsigned scopes; /* a bit for each whose families it has */
    Leaf **leaves;
    size_t count, capacity;
} Book;

void book_init(Book *book, const Lines *lines, unsigned scopes);
void book_clear(Book *book);

/* The pages as they are now, each held. */
typedef struct Edition {
    Page **pages;
    size_t count;
} Edition;

Edition book_edition(const Book *book);
void edition_release(Edition *edition, const Lines *lines);

/* An owner of the page that is being made: as it was, or written anew. */
typedef struct Entry {
    Owner owner;
    int old, fresh; /* its place in the leaf that was, and among what was written; -1: none */
} Entry;

typedef struct Renewal {
    Book *book;
    Leaf **leaves; /* what was: */
    size_t leaf_count, leaf, owner;
    Entry draft[DRAFT_OWNERS_MAX];
    size_t draft_count, draft_size;
    bool changed; /* the leaf that was does not go on as it is: there is a draft */
    Buffer fresh; /* what was written for the draft, */
    size_t *ends; /* and where it ends: by entry and slot */
    int fresh_count;
    size_t written, budget;
} Renewal;

/* At most about `budget` bytes are written, but one owner in any case. */
void book_renew(Renewal *renewal, Book *book, size_t budget);
bool renewal_goes_on(const Renewal *renewal);
/* Whether what is kept of the owner is of that version. False: it must be written now. */
bool renewal_meets(Renewal *renewal, const char *key, Version version);
/* The version of what is kept of the owner that was not met. False: nothing is. */
bool renewal_finds(Renewal *renewal, const char *key, Version *version);
/* The same text is of another version: instead of writing what was found. */
void renewal_keep(Renewal *renewal, Version version);
void renewal_write(Renewal *renewal, const char *key, Version version, const OwnerItems *items);
/* True: the book has exactly the owners that were met. False: the budget was spent; what was not met is as it was. */
bool renewal_end(Renewal *renewal);

#endif
