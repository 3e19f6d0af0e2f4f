/* SPDX-License-Identifier: Apache-2.0 */
/* Lists read in slices, whatever the size of these; tasks by urgency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prefect/queues.h"
#include "prefect/reading.h"
#include <stdio.h>
#include <string.h>

enum { UNBOUNDED = 1 << 20 };

/* Everything with so small a budget at a time; the rounds that it took. */
static size_t read_all(Reading *reading, const char *text, size_t slice, size_t item_max)
{
    size_t rounds = 1;
    reading_init(reading, text, strlen(text), false, item_max);
    for (size_t budget = slice; !reading_step(reading, &budget); rounds++) {
        budget = slice;
    }
    return rounds;
}

#define RUN(digit, more)                                                                                               \
    "{\"id\":\"00000000-0000-4000-8000-00000000000" digit "\",\"state\":{\"type\":\"RUNNING\"}" more "}"

static void any_slice_reads_the_same(void **state)
{
    (void)state;
    static const char text[] = " [ " RUN("1", ",\"name\":\"a],[\\\"{\\\\\"") " ,\n" RUN(
        "2", ",\"tags\":[[1,2],{\"a\":[]}]") "," RUN("3", "") "\t] \n";
    for (size_t slice = 1; slice <= sizeof text; slice++) {
        Reading reading;
        size_t rounds = read_all(&reading, text, slice, UNBOUNDED);
        assert_int_equal(reading.error.kind, ERROR_NONE);
        assert_int_equal(reading.count, 3);
        assert_string_equal(reading.flow_runs[0].name, "a],[\"{\\");
        assert_string_equal(reading.flow_runs[2].id, "00000000-0000-4000-8000-000000000003");
        assert_true(rounds >= (sizeof text - 1) / (slice + 1));
        reading_release(&reading);
    }
}

static void empty_lists(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", " [ ] ", "[\n]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Reading reading;
        read_all(&reading, texts[i], 1, UNBOUNDED);
        assert_int_equal(reading.error.kind, ERROR_NONE);
        assert_int_equal(reading.count, 0);
        reading_release(&reading);
    }
}

static void what_is_wrong_makes_all_worthless(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_json;
    } cases[] = {
        {"", false},
        {"null", false},
        {"{}", false},
        {"[", false},
        {"[" RUN("1", ""), false},
        {"[" RUN("1", "") ",]", false},
        {"[," RUN("1", "") "]", false},
        {"[" RUN("1", "") "]x", false},
        {"[" RUN("1", "") "][]", false},
        {"[" RUN("1", "") "}", false},
        {"[" RUN("1", "") " " RUN("2", "") "]", false},
        {"[" RUN("1", "") ",{\"id\":]", false},
        {"[" RUN("1", "") ",\"\\", false},
        {"[" RUN("1", "") ",\"\xFF\"]", false},
        {"[" RUN("1", "") ",5]", true},
        {"[" RUN("1", "") ",{}]", true},
        {"[" RUN("1", "") ",[" RUN("2", "") "]]", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t slice = 1; slice < 100; slice += 7) {
            Reading reading;
            read_all(&reading, cases[i].text, slice, UNBOUNDED);
            assert_int_not_equal(reading.error.kind, ERROR_NONE);
            assert_int_equal(reading.is_json, cases[i].is_json);
            assert_int_equal(reading.count, 0);
            reading_release(&reading);
        }
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    char text[10002];
    memset(text, '[', sizeof text);
    text[sizeof text - 1] = '\0';
    Reading reading;
    read_all(&reading, text, 100, UNBOUNDED);
    assert_int_not_equal(reading.error.kind, ERROR_NONE);
    reading_release(&reading);
}

static void fat_items_are_counted_not_read(void **state)
{
    (void)state;
    static const char text[] = "[" RUN("1", "") "," RUN("2", ",\"parameters\":{\"fat\":\"xxxxxxxxxxxxxxxxxxxx\"}") "]";
    Reading reading;
    read_all(&reading, text, 10, sizeof RUN("1", ""));
    assert_int_equal(reading.error.kind, ERROR_NONE);
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.skipped, 1);
    reading_release(&reading);
}

static void add(TaskQueues *queues, RequestKind kind)
{
    queues_add(queues, task_of_request(&(Request){.kind = kind}));
}

static void urgent_first_but_nobody_starves(void **state)
{
    (void)state;
    TaskQueues queues;
    queues_init(&queues);
    for (int i = 0; i < FAIR_EVERY * PRIORITIES; i++) {
        add(&queues, REQUEST_CREATE);
    }
    add(&queues, REQUEST_POLL);
    queues_add(&queues, task_new(TASK_CSRF));
    assert_true(queues_first_is(&queues, TASK_CSRF));
    int polled_at = 0;
    for (int i = 0; queues.count; i++) {
        Task *task = queues_take(&queues);
        assert_true(i > 0 || task->kind == TASK_CSRF);
        if (task->kind == TASK_REQUEST && task->request.kind == REQUEST_POLL) {
            polled_at = i;
        }
        task_free(task);
    }
    assert_true(polled_at > 0 && polled_at < FAIR_EVERY * PRIORITIES);
    assert_null(queues_take(&queues));
}

static void one_kind_is_taken_out_of_the_middle(void **state)
{
    (void)state;
    TaskQueues queues;
    queues_init(&queues);
    add(&queues, REQUEST_LOOK);
    queues_add(&queues, task_new(TASK_FETCH));
    for (Task *task; (task = queues_take_kind(&queues, TASK_FETCH));) {
        task_free(task);
    }
    add(&queues, REQUEST_REPORT); /* the end of the queue is where it was */
    assert_int_equal(queues.count, 2);
    static const RequestKind kinds[] = {REQUEST_LOOK, REQUEST_REPORT};
    for (size_t i = 0; i < 2; i++) {
        Task *task = queues_take(&queues);
        assert_int_equal(task->request.kind, kinds[i]);
        task_free(task);
    }
}

typedef struct Taken {
    size_t count, refuse_at;
} Taken;

static bool take(void *user, const Json *item)
{
    Taken *taken = user;
    assert_non_null(json_member_text(item, "id"));
    return ++taken->count != taken->refuse_at;
}

/* As they are read, whatever they are; one that is refused spoils the list. */
static void items_are_given_to_who_takes_them(void **state)
{
    (void)state;
    static const char text[] = "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]";
    for (size_t refuse_at = 0; refuse_at <= 3; refuse_at++) {
        Taken taken = {.refuse_at = refuse_at};
        Reading reading;
        reading_init(&reading, text, strlen(text), false, UNBOUNDED);
        reading.take = take;
        reading.user = &taken;
        size_t budget = 1;
        for (; !reading_step(&reading, &budget); budget = 1) {
            assert_true(taken.count < 3);
        }
        assert_int_equal(taken.count, refuse_at ? refuse_at : 3);
        assert_int_equal(reading.error.kind, refuse_at ? ERROR_INVALID : ERROR_NONE);
        assert_true(reading.is_json);
        assert_int_equal(reading.count, 0);
        reading_release(&reading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_slice_reads_the_same),          cmocka_unit_test(empty_lists),
        cmocka_unit_test(what_is_wrong_makes_all_worthless), cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(fat_items_are_counted_not_read),    cmocka_unit_test(items_are_given_to_who_takes_them),
        cmocka_unit_test(urgent_first_but_nobody_starves),   cmocka_unit_test(one_kind_is_taken_out_of_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
