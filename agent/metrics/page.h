/* SPDX-License-Identifier: Apache-2.0 */
/* Text that never changes, counted by who holds it: a sheet has the lines of one family for a few owners, a page the
 * sheets of all families for the same owners. A page that follows another shares those of its sheets that did not
 * change. Within metrics/ only. */
#ifndef SENDPOST_METRICS_PAGE_H
#define SENDPOST_METRICS_PAGE_H

#include "metrics/lines.h"

typedef struct Sheet {
    int references;
    uint32_t length;
    const char *text;
    uint32_t ends[]; /* of each owner's lines */
} Sheet;

typedef struct Page {
    int references;
    size_t sizes[METRICS_FORMATS];
    Sheet *sheets[]; /* by slot; NULL: of other owners' families */
} Page;

/* A part of the text: the lines of one owner in one slot. */
typedef struct Fragment {
    const char *text;
    size_t length;
} Fragment;

Fragment sheet_fragment(const Sheet *sheet, size_t owner);
Sheet *sheet_new(const Fragment *fragments, size_t count); /* copies */
Sheet *sheet_hold(Sheet *sheet);
void sheet_release(Sheet *sheet);
bool sheet_equal(const Sheet *sheet, const Sheet *other);

Page *page_new(const Lines *lines); /* without sheets */
/* Takes the sheet. */
void page_put(Page *page, const Lines *lines, size_t slot, Sheet *sheet);
Page *page_hold(Page *page);
void page_release(Page *page, const Lines *lines);

#endif
