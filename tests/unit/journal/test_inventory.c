/* SPDX-License-Identifier: Apache-2.0 */
/* What has ended in Prefect, written and read again. */
#include "fixture.h"

#define R1 "a0000000-0000-4000-8000-000000000001"
#define R2 "a0000000-0000-4000-8000-000000000002"
#define D1 "d0000000-0000-4000-8000-000000000001"
#define D2 "d0000000-0000-4000-8000-000000000002"

static EndedRun early = {.id = R1, .deployment_id = D1, .state = END_FAILED, .ended_at = 900000, .duration_ms = 10};
static EndedRun late = {.id = R2, .deployment_id = D1, .state = END_COMPLETED, .ended_at = 1000000, .duration_ms = 20};
static EndedRun *const runs[] = {&early, &late};
static const CountedTotals totals[] = {
    {D1, {.ended = {1, 1}, .duration_counts = {1}, .duration_sum_ms = 20}},
    {D2, {.ended = {0, 0, 0, 7}}},
};

/* The first has ended before what is to be remembered. */
static const InventoryChange two_ends = {
    .tail = TAIL_RAN,
    .change = {.begin = 500, .cursor = 1000000, .forgotten = 900000, .runs = runs, .count = 2, .counts = true},
    .totals = totals,
    .total_count = 2,
};

static Inventory *restore(Journal *journal)
{
    static const char *const all[] = {"*"};
    Inventory *inventory = inventory_new(&(InventoryOptions){1000, all, 1});
    assert_true(journal_restore_inventory(journal, inventory, NULL));
    return inventory;
}

static void put(Journal *journal, const InventoryChange *change)
{
    Error error = {0};
    if (!journal_put_inventory(journal, change, &error)) {
        fail_msg("%s", error.text);
    }
}

static void nothing_was_written(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Inventory *inventory = restore(journal);
    assert_int_equal(inventory_view(inventory).counted_to, 0);
    inventory_free(inventory);
    journal_close(journal);
}

static void what_was_counted_is_read_again(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    put(journal, &two_ends);
    journal_close(journal);
    assert_int_equal(ask("SELECT count(*) FROM inventory_seen WHERE flow_run = '" R2 "' AND ended_at = 1000000"), 1);
    assert_int_equal(ask("SELECT count(*) FROM inventory_seen"), 1);
    assert_int_equal(ask("SELECT begin FROM inventory_tail WHERE tail = 'ran'"), 500);
    journal = open_journal();
    Inventory *inventory = restore(journal);
    assert_int_equal(inventory_view(inventory).counted_to, 1000000);
    EndTotals read = inventory_totals(inventory, D1);
    assert_memory_equal(&read, &totals[0].totals, sizeof read);
    assert_int_equal(inventory_totals(inventory, D2).ended[END_CANCELLED], 7);
    inventory_free(inventory);
    journal_close(journal);
}

static void what_lies_behind_is_forgotten(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    put(journal, &two_ends);
    char id[] = D2, *gone[] = {id};
    InventoryChange later = {
        .tail = TAIL_RAN, .change = {.cursor = 2000000, .forgotten = 1000000}, .gone = gone, .gone_count = 1};
    put(journal, &later);
    InventoryChange other = two_ends;
    other.tail = TAIL_NEVER_RAN;
    other.total_count = 0;
    put(journal, &other);
    put(journal, &later);
    journal_close(journal);
    assert_int_equal(ask("SELECT count(*) FROM inventory_seen WHERE tail = 'ran'"), 0);
    assert_int_equal(ask("SELECT count(*) FROM inventory_seen WHERE tail = 'never_ran'"), 1);
    assert_int_equal(ask("SELECT count(*) FROM inventory_totals"), 1);
    assert_int_equal(ask("SELECT cursor FROM inventory_tail WHERE tail = 'ran'"), 2000000);
}

/* All of it or nothing. */
static void a_table_that_refuses(void **state)
{
    (void)state;
    static const char *const refusals[] = {
        "CREATE TRIGGER no BEFORE INSERT ON inventory_tail BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER no BEFORE INSERT ON inventory_seen BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER no BEFORE INSERT ON inventory_totals WHEN NEW.deployment = '" D2
        "' BEGIN SELECT RAISE(ABORT, 'no'); END",
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        journal_close(open_journal());
        execute(refusals[i]);
        Journal *journal = open_journal();
        Error error = {0};
        assert_false(journal_put_inventory(journal, &two_ends, &error));
        assert_non_null(strstr(error.text, "no"));
        assert_false(journal_statistics(journal)->writable);
        journal_close(journal);
        execute("DROP TRIGGER no");
        assert_int_equal(ask("SELECT (SELECT count(*) FROM inventory_tail) + (SELECT count(*) FROM inventory_seen) +"
                             " (SELECT count(*) FROM inventory_totals)"),
                         0);
    }
}

/* Of a later version, or of somebody's hand. */
static void rows_that_make_no_sense_are_left_alone(void **state)
{
    (void)state;
    journal_close(open_journal());
    execute("INSERT INTO inventory_tail VALUES('unknown', 1, 2);"
            "INSERT INTO inventory_seen VALUES('unknown', '" R1 "', 1);"
            "INSERT INTO inventory_totals VALUES('" D1 "', 'nonsense');");
    Journal *journal = open_journal();
    Inventory *inventory = restore(journal);
    assert_int_equal(inventory_view(inventory).counted_to, 0);
    assert_int_equal(inventory_totals(inventory, D1).ended[END_FAILED], 0);
    inventory_free(inventory);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_was_written),  TEST(what_was_counted_is_read_again),         TEST(what_lies_behind_is_forgotten),
        TEST(a_table_that_refuses), TEST(rows_that_make_no_sense_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
