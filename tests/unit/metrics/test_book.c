/* SPDX-License-Identifier: Apache-2.0 */
/* How much is written again, and how many pages that makes: of files, whose text is known. */
#include "fixture.h"
#include "metrics/book.h"

typedef struct Shelf {
    Lines lines;
    Book book;
    size_t written; /* owners, in the last renewal */
} Shelf;

static int start(void **state)
{
    Shelf *shelf = memory_new(sizeof *shelf);
    lines_init(&shelf->lines, true, true);
    book_init(&shelf->book, &shelf->lines, 1u << SCOPE_FILE);
    *state = shelf;
    return 0;
}

static int stop(void **state)
{
    Shelf *shelf = *state;
    book_clear(&shelf->book);
    lines_release(&shelf->lines);
    free(shelf);
    return 0;
}

/* Owners first, first + step … below `end`, each with a label of that length. */
typedef struct Range {
    int first, step, end;
    uint64_t version;
    size_t length, budget;
} Range;

static void write_file(Renewal *renewal, const char *key, Version version, size_t length)
{
    OwnerItems owner = {0};
    buffer_init(&owner.texts, SIZE_MAX / 2);
    auto_free char *label = memory_new(length + 1);
    memset(label, 'x', length);
    FileItem item = {.broken = version.first > 1};
    label_append(&owner.texts, 0, "file", label);
    item.labels = text_since(&owner.texts, 0);
    owner.of[SCOPE_FILE] = (Items){&item, sizeof item, 1};
    renewal_write(renewal, key, version, &owner);
    buffer_release(&owner.texts);
}

static bool renew(Shelf *shelf, Range range)
{
    Renewal renewal;
    book_renew(&renewal, &shelf->book, range.budget ? range.budget : SIZE_MAX);
    shelf->written = 0;
    for (int i = range.first; renewal_goes_on(&renewal) && i < range.end; i += range.step) {
        char key[16];
        snprintf(key, sizeof key, "%06d", i);
        Version version = {range.version, (uint64_t)i};
        if (!renewal_meets(&renewal, key, version)) {
            write_file(&renewal, key, version, range.length);
            shelf->written++;
        }
    }
    return renewal_end(&renewal);
}

static size_t owners(const Shelf *shelf)
{
    size_t count = 0;
    for (size_t i = 0; i < shelf->book.count; i++) {
        const Leaf *leaf = shelf->book.leaves[i];
        assert_in_range(leaf->count, 1, PAGE_OWNERS_MAX);
        count += leaf->count;
    }
    return count;
}

static void pages_are_full_but_not_too_large(void **state)
{
    Shelf *shelf = *state;
    assert_true(renew(shelf, (Range){0, 1, 320, 1, 10, 0}));
    assert_int_equal(owners(shelf), 320);
    assert_int_equal(shelf->book.count, 320 / PAGE_OWNERS_MAX);
    book_clear(&shelf->book);
    assert_true(renew(shelf, (Range){0, 1, 320, 1, PAGE_SIZE_MAX / 8, 0}));
    assert_int_equal(owners(shelf), 320);
    assert_in_range(shelf->book.count, 320 / 7, 320 / 3);
    for (size_t i = 0; i < shelf->book.count; i++) {
        assert_in_range(shelf->book.leaves[i]->page->sizes[METRICS_TEXT], 1, PAGE_SIZE_MAX);
    }
    book_clear(&shelf->book);
    assert_true(renew(shelf, (Range){0, 1, 3, 1, 2 * PAGE_SIZE_MAX, 0}));
    assert_int_equal(shelf->book.count, 3);
}

static void what_comes_between_makes_two_pages_of_a_full_one(void **state)
{
    Shelf *shelf = *state;
    renew(shelf, (Range){0, 2, 2 * PAGE_OWNERS_MAX, 1, 10, 0});
    assert_int_equal(shelf->book.count, 1);
    assert_true(renew(shelf, (Range){0, 1, 2 * PAGE_OWNERS_MAX, 1, 10, 0}));
    assert_int_equal(shelf->written, PAGE_OWNERS_MAX);
    assert_int_equal(owners(shelf), 2 * PAGE_OWNERS_MAX);
    assert_int_equal(shelf->book.count, 2);
    assert_true(renew(shelf, (Range){7, 2, 9, 1, 10, 0}));
    assert_int_equal(shelf->written, 0);
    assert_int_equal(owners(shelf), 1);
    assert_true(renew(shelf, (Range){0, 1, 0, 1, 10, 0}));
    assert_int_equal(shelf->book.count, 0);
}

static void what_is_the_same_is_shared(void **state)
{
    Shelf *shelf = *state;
    renew(shelf, (Range){0, 1, 64, 1, 10, 0});
    Edition before = book_edition(&shelf->book);
    renew(shelf, (Range){0, 1, 64, 1, 10, 0});
    Edition same = book_edition(&shelf->book);
    assert_int_equal(before.count, 2);
    assert_ptr_equal(before.pages[0], same.pages[0]);
    assert_ptr_equal(before.pages[1], same.pages[1]);
    edition_release(&same, &shelf->lines);
    renew(shelf, (Range){0, 1, 63, 1, 10, 0});
    Edition after = book_edition(&shelf->book);
    assert_ptr_equal(before.pages[0], after.pages[0]);
    assert_ptr_not_equal(before.pages[1], after.pages[1]);
    edition_release(&after, &shelf->lines);
    edition_release(&before, &shelf->lines);
}

/* Another version with the same text: the sheets stay. */
static void a_sheet_stays_while_its_text_does(void **state)
{
    Shelf *shelf = *state;
    size_t slot = 0;
    while (shelf->lines.slots[slot].family->scope != SCOPE_FILE) {
        slot++;
    }
    Edition editions[3];
    for (uint64_t i = 0; i < 3; i++) {
        renew(shelf, (Range){0, 1, 5, i, 10, 0}); /* 0 and 1 are not broken, 2 is */
        assert_int_equal(shelf->written, 5);
        editions[i] = book_edition(&shelf->book);
    }
    assert_ptr_equal(editions[0].pages[0]->sheets[slot], editions[1].pages[0]->sheets[slot]);
    assert_ptr_not_equal(editions[1].pages[0]->sheets[slot], editions[2].pages[0]->sheets[slot]);
    for (size_t i = 0; i < 3; i++) {
        edition_release(&editions[i], &shelf->lines);
    }
}

static void a_spent_budget_keeps_what_was_done(void **state)
{
    Shelf *shelf = *state;
    renew(shelf, (Range){0, 1, 100, 1, 10, 0});
    size_t written = 0;
    int renewals = 1;
    for (; !renew(shelf, (Range){50, 1, 200, 2, 10, 1000}); renewals++) {
        written += shelf->written;
        assert_in_range(shelf->written, 1, 30);
        assert_true(owners(shelf) >= 100 - 50);
    }
    assert_int_equal(written + shelf->written, 150);
    assert_in_range(renewals, 5, 15);
    assert_int_equal(owners(shelf), 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_are_full_but_not_too_large, start, stop),
        cmocka_unit_test_setup_teardown(what_comes_between_makes_two_pages_of_a_full_one, start, stop),
        cmocka_unit_test_setup_teardown(what_is_the_same_is_shared, start, stop),
        cmocka_unit_test_setup_teardown(a_sheet_stays_while_its_text_does, start, stop),
        cmocka_unit_test_setup_teardown(a_spent_budget_keeps_what_was_done, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
