/* SPDX-License-Identifier: Apache-2.0 */
/* A renewal reads the leaves that were and makes those that will be, both in order of the keys, as a merge does. A leaf
 * whose owners are all as they were goes on as it is. With the first that is not a draft begins, of what will become
 * pages. A page has few owners and a bounded size, so that making one anew costs little; a draft with too many becomes
 * two. */
#include "metrics/book.h"
#include "base/assert.h"
#include "base/memory.h"
#include <string.h>

void book_init(Book *book, const Lines *lines, unsigned scopes)
{
    *book = (Book){.lines = lines, .scopes = scopes};
}

static bool book_has(const Book *book, size_t slot)
{
    return book->scopes >> book->lines->slots[slot].family->scope & 1;
}

static void leaf_free(const Book *book, Leaf *leaf)
{
    page_release(leaf->page, book->lines);
    free(leaf);
}

static void leaf_discard(const Book *book, Leaf *leaf)
{
    for (size_t i = 0; i < leaf->count; i++) {
        free(leaf->owners[i].key);
    }
    leaf_free(book, leaf);
}

void book_clear(Book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        leaf_discard(book, book->leaves[i]);
    }
    free(book->leaves);
    book_init(book, book->lines, book->scopes);
}

Edition book_edition(const Book *book)
{
    Edition edition = {memory_new(book->count * sizeof *edition.pages), book->count};
    for (size_t i = 0; i < book->count; i++) {
        edition.pages[i] = page_hold(book->leaves[i]->page);
    }
    return edition;
}

void edition_release(Edition *edition, const Lines *lines)
{
    for (size_t i = 0; i < edition->count; i++) {
        page_release(edition->pages[i], lines);
    }
    free(edition->pages);
    *edition = (Edition){0};
}

/* --- from a draft to leaves --- */

static void leaf_add(Book *book, Leaf *leaf)
{
    array_push(book->leaves, book->count, book->capacity) = leaf;
}

static Leaf *leaf_that_was(const Renewal *renewal)
{
    return renewal->leaf < renewal->leaf_count ? renewal->leaves[renewal->leaf] : NULL;
}

static Fragment fragment_of(const Renewal *renewal, const Entry *entry, size_t slot)
{
    if (entry->fresh < 0) {
        const Leaf *was = leaf_that_was(renewal);
        invariant(was);
        return sheet_fragment(was->page->sheets[slot], (size_t)entry->old);
    }
    const size_t *end = &renewal->ends[(size_t)entry->fresh * renewal->book->lines->slot_count + slot];
    size_t begin = slot || entry->fresh ? end[-1] : 0;
    return (Fragment){renewal->fresh.bytes + begin, *end - begin};
}

/* The same owners as those of the leaf that was (NULL: none). */
static bool same_owners(const Leaf *leaf, const Entry *entries, size_t count)
{
    bool same = leaf && leaf->count == count;
    for (size_t i = 0; same && i < count; i++) {
        same = entries[i].old == (int)i;
    }
    return same;
}

/* What was written again is often what it was, but for a family or two. */
static bool same_fragments(const Entry *entries, const Fragment *fragments, size_t count, const Sheet *sheet)
{
    bool same = true;
    for (size_t i = 0; same && i < count; i++) {
        Fragment was = sheet_fragment(sheet, i);
        same = entries[i].fresh < 0 ||
               (was.length == fragments[i].length && memcmp(was.text, fragments[i].text, was.length) == 0);
    }
    return same;
}

static Page *page_of(const Renewal *renewal, const Entry *entries, size_t count)
{
    const Lines *lines = renewal->book->lines;
    Fragment fragments[DRAFT_OWNERS_MAX];
    const Leaf *leaf = leaf_that_was(renewal);
    bool same = same_owners(leaf, entries, count);
    Page *page = page_new(lines);
    for (size_t slot = 0; slot < lines->slot_count; slot++) {
        if (!book_has(renewal->book, slot)) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            fragments[i] = fragment_of(renewal, &entries[i], slot);
        }
        Sheet *was = leaf && same ? leaf->page->sheets[slot] : NULL;
        bool keeps = was && same_fragments(entries, fragments, count, was);
        Sheet *sheet = keeps ? sheet_hold(was) : sheet_new(fragments, count);
        if (lines_slot_is_variant(lines, slot) && sheet_equal(sheet, page->sheets[slot - 1])) {
            sheet_release(sheet);
            sheet = sheet_hold(page->sheets[slot - 1]);
        }
        page_put(page, lines, slot, sheet);
    }
    return page;
}

static void make_leaves(Renewal *renewal, const Entry *entries, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += entries[i].owner.size;
    }
    if (count > 1 && (count > PAGE_OWNERS_MAX || size > PAGE_SIZE_MAX)) {
        make_leaves(renewal, entries, count / 2);
        make_leaves(renewal, entries + count / 2, count - count / 2);
        return;
    }
    Leaf *leaf = memory_new(sizeof *leaf);
    leaf->page = page_of(renewal, entries, count);
    leaf->count = count;
    for (size_t i = 0; i < count; i++) {
        leaf->owners[i] = entries[i].owner;
    }
    leaf_add(renewal->book, leaf);
}

static void draft_to_leaves(Renewal *renewal)
{
    if (renewal->draft_count) {
        make_leaves(renewal, renewal->draft, renewal->draft_count);
    }
    renewal->draft_count = renewal->draft_size = 0;
    renewal->fresh_count = 0;
    buffer_clear(&renewal->fresh);
}

static void draft_add(Renewal *renewal, Entry entry)
{
    if (renewal->draft_count == DRAFT_OWNERS_MAX || renewal->draft_size > DRAFT_SIZE_MAX) {
        draft_to_leaves(renewal);
    }
    renewal->draft[renewal->draft_count++] = entry;
    renewal->draft_size += entry.owner.size;
}

/* --- the leaves that were --- */

static void leaf_leave(Renewal *renewal)
{
    Leaf *leaf = leaf_that_was(renewal);
    if (!renewal->changed) {
        leaf_add(renewal->book, leaf);
    } else {
        draft_to_leaves(renewal);
        leaf_free(renewal->book, leaf); /* its owners live on, or were dropped */
    }
    renewal->leaf++;
    renewal->owner = 0;
    renewal->changed = false;
}

static void draft_keep(Renewal *renewal, size_t owner)
{
    draft_add(renewal, (Entry){leaf_that_was(renewal)->owners[owner], (int)owner, -1});
}

/* With what stood before in this leaf. */
static void draft_begin(Renewal *renewal)
{
    for (size_t i = 0; !renewal->changed && i < renewal->owner; i++) {
        draft_keep(renewal, i);
    }
    renewal->changed = true;
}

static void owner_keep(Renewal *renewal)
{
    if (renewal->changed) {
        draft_keep(renewal, renewal->owner);
    }
    renewal->owner++;
}

static void owner_drop(Renewal *renewal)
{
    draft_begin(renewal);
    free(leaf_that_was(renewal)->owners[renewal->owner++].key);
}

/* Goes on to the place of the key: what stands before it is no more. NULL: it was not there. */
static const Owner *owner_find(Renewal *renewal, const char *key)
{
    for (const Leaf *leaf; (leaf = leaf_that_was(renewal));) {
        if (renewal->owner < leaf->count) {
            int order = strcmp(leaf->owners[renewal->owner].key, key);
            if (order >= 0) {
                return order == 0 ? &leaf->owners[renewal->owner] : NULL;
            }
            owner_drop(renewal);
        } else if (renewal->leaf + 1 < renewal->leaf_count &&
                   strcmp(renewal->leaves[renewal->leaf + 1]->owners[0].key, key) <= 0) {
            leaf_leave(renewal);
        } else {
            return NULL;
        }
    }
    return NULL;
}

/* --- a renewal --- */

void book_renew(Renewal *renewal, Book *book, size_t budget)
{
    *renewal = (Renewal){.book = book, .leaves = book->leaves, .leaf_count = book->count, .budget = budget};
    *book = (Book){.lines = book->lines, .scopes = book->scopes};
    buffer_init(&renewal->fresh, SIZE_MAX / 2);
}

bool renewal_goes_on(const Renewal *renewal)
{
    return renewal->written < renewal->budget;
}

static bool has_version(const Owner *owner, Version version)
{
    return owner->version.first == version.first && owner->version.second == version.second;
}

/* Most are what they were, in the same order: their keys need not be compared. */
bool renewal_meets(Renewal *renewal, const char *key, Version version)
{
    const Leaf *leaf = leaf_that_was(renewal);
    if (leaf && renewal->owner == leaf->count && renewal->leaf + 1 < renewal->leaf_count &&
        has_version(&renewal->leaves[renewal->leaf + 1]->owners[0], version)) {
        leaf_leave(renewal);
        leaf = leaf_that_was(renewal);
    }
    bool next = leaf && renewal->owner < leaf->count && has_version(&leaf->owners[renewal->owner], version);
    const Owner *owner = next ? &leaf->owners[renewal->owner] : owner_find(renewal, key);
    bool same = owner && has_version(owner, version);
    if (same) {
        owner_keep(renewal);
    }
    return same;
}

bool renewal_finds(Renewal *renewal, const char *key, Version *version)
{
    const Owner *owner = owner_find(renewal, key);
    if (owner) {
        *version = owner->version;
    }
    return owner != NULL;
}

void renewal_keep(Renewal *renewal, Version version)
{
    leaf_that_was(renewal)->owners[renewal->owner].version = version;
    owner_keep(renewal);
}

/* Makes room in the draft first: what is written there belongs to it. */
static int fresh_write(Renewal *renewal, const OwnerItems *items)
{
    const Lines *lines = renewal->book->lines;
    if (!renewal->ends) {
        renewal->ends = memory_new(DRAFT_OWNERS_MAX * lines->slot_count * sizeof *renewal->ends);
    }
    size_t *ends = &renewal->ends[(size_t)renewal->fresh_count * lines->slot_count];
    for (size_t slot = 0; slot < lines->slot_count; slot++) {
        if (book_has(renewal->book, slot)) {
            lines_write(lines, slot, items, &renewal->fresh);
        }
        ends[slot] = renewal->fresh.length;
    }
    return renewal->fresh_count++;
}

void renewal_write(Renewal *renewal, const char *key, Version version, const OwnerItems *items)
{
    const Owner *was = owner_find(renewal, key);
    draft_begin(renewal);
    Entry entry = {.owner = {.key = was ? was->key : text_copy(key), .version = version}, .old = -1};
    if (was) {
        entry.old = (int)renewal->owner++;
    }
    draft_add(renewal, entry); /* may begin a new draft */
    Entry *added = &renewal->draft[renewal->draft_count - 1];
    size_t before = renewal->fresh.length;
    added->fresh = fresh_write(renewal, items);
    added->owner.size = renewal->fresh.length - before;
    renewal->draft_size += added->owner.size;
    renewal->written += added->owner.size;
}

bool renewal_end(Renewal *renewal)
{
    bool all = renewal_goes_on(renewal);
    for (const Leaf *leaf; (leaf = leaf_that_was(renewal));) {
        while (renewal->owner < leaf->count) {
            all ? owner_drop(renewal) : owner_keep(renewal);
        }
        leaf_leave(renewal);
    }
    draft_to_leaves(renewal); /* of a book that was empty */
    buffer_release(&renewal->fresh);
    free(renewal->ends);
    free(renewal->leaves);
    return all;
}
