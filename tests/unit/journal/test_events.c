/* SPDX-License-Identifier: Apache-2.0 */
/* The history, read again in pages. */
#include "fixture.h"

static void write_events(Journal *journal, int64_t first, int64_t last)
{
    static char sendpost[] = "daily", run[] = "r", stage[] = "a";
    Error error = {0};
    EventRecord events[8];
    Changes changes = {.events = events};
    AgentTotals totals = {0};
    for (int64_t id = first; id <= last; id++) {
        events[changes.event_count++] = (EventRecord){.id = id,
                                                      .type = EVENT_STAGE_STATE,
                                                      .at = id,
                                                      .sendpost = sendpost,
                                                      .run = run,
                                                      .stage = stage,
                                                      .to = "running"};
    }
    assert_true(journal_commit(journal, &changes, &totals, &error));
}

typedef struct Seen {
    int64_t ids[8];
    size_t count, enough;
    EventRecord last;
} Seen;

static bool see(void *user, const EventRecord *event)
{
    Seen *seen = user;
    assert_string_equal(event->sendpost, "daily");
    assert_string_equal(event->run, "r");
    assert_string_equal(event->stage, "a");
    assert_null(event->from);
    assert_string_equal(event->to, "running");
    assert_null(event->reason);
    assert_int_equal(event->type, EVENT_STAGE_STATE);
    assert_int_equal(event->at, event->id);
    seen->ids[seen->count++] = event->id;
    return seen->count != seen->enough;
}

static void test_pages(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Error error = {0};
    write_events(journal, 1, 7);
    Seen seen = {0};
    int64_t after = 2;
    assert_true(journal_each_event(journal, &after, 3, see, &seen, &error));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.ids[0], 3);
    assert_int_equal(after, 5);
    assert_true(journal_each_event(journal, &after, 3, see, &seen, &error));
    assert_int_equal(seen.count, 5);
    assert_int_equal(after, 7);
    assert_true(journal_each_event(journal, &after, 3, see, &seen, &error));
    assert_int_equal(seen.count, 5);

    after = 0;
    seen = (Seen){.enough = 2};
    assert_true(journal_each_event(journal, &after, 8, see, &seen, &error));
    assert_int_equal(seen.count, 2);
    assert_int_equal(after, 2);
    journal_close(journal);
}

static void test_find(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Error error = {0};
    bool found = true;
    int64_t newest = -1;
    assert_true(journal_find_event(journal, 1, &found, &newest, &error));
    assert_false(found);
    assert_int_equal(newest, 0);
    write_events(journal, 1, 3);
    assert_true(journal_find_event(journal, 2, &found, &newest, &error));
    assert_true(found);
    assert_int_equal(newest, 3);
    assert_true(journal_find_event(journal, 4, &found, &newest, &error));
    assert_false(found);
    journal_close(journal);
}

/* What a later version wrote is passed over. */
static void test_unknown_types(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    Error error = {0};
    write_events(journal, 1, 3);
    journal_close(journal);
    execute("UPDATE event SET type = 'moon.phase' WHERE id <> 2");
    journal = open_journal();
    Seen seen = {0};
    int64_t after = 0;
    assert_true(journal_each_event(journal, &after, 1, see, &seen, &error));
    assert_int_equal(seen.count, 0);
    assert_int_equal(after, 1);
    assert_true(journal_each_event(journal, &after, 8, see, &seen, &error));
    assert_int_equal(seen.count, 1);
    assert_int_equal(after, 3);
    journal_close(journal);
}

static void test_unreadable(void **state)
{
    (void)state;
    Journal *journal = open_journal();
    bool found = false;
    int64_t newest = 0, after = 0;
    write_events(journal, 1, 3);
    execute("ALTER TABLE event RENAME TO hidden");
    Error error = {0};
    assert_false(journal_find_event(journal, 1, &found, &newest, &error));
    assert_int_not_equal(error.kind, ERROR_NONE);
    error = (Error){0};
    Seen seen = {0};
    assert_false(journal_each_event(journal, &after, 8, see, &seen, &error));
    assert_int_not_equal(error.kind, ERROR_NONE);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages),
        TEST(test_find),
        TEST(test_unknown_types),
        TEST(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
