/* SPDX-License-Identifier: Apache-2.0 */
/* The objective `deadline`: when a success is due for a tick. */
#include "ticks.h"

#define DUE "name: one\ndeadline: 2h\n"

static void assert_due(const Fixture *fixture, int64_t at)
{
    assert_int_equal(sendpost_success_due_at(sendpost_of(fixture)), at);
}

static void the_oldest_tick_without_a_success_is_due(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, DUE HOURLY STAGE);
    assert_due(&fixture, 0);
    fixture_pass(&fixture, HOUR_MS);
    assert_due(&fixture, noon + 3 * HOUR_MS);
    end_active(&fixture);
    fixture_pass(&fixture, HOUR_MS);
    restart_after(&fixture, 0);
    reload(&fixture, DUE HOURLY STAGE);
    assert_due(&fixture, noon + 3 * HOUR_MS);
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    assert_due(&fixture, 0);
    fixture_pass(&fixture, HOUR_MS);
    assert_due(&fixture, noon + 5 * HOUR_MS);
    fixture_release(&fixture);
}

static void nothing_is_due_without_schedule_or_deadline(void **state)
{
    (void)state;
    static const char *const texts[] = {"name: one\n" HOURLY STAGE, DUE STAGE, DUE "enabled: false\n" HOURLY STAGE};
    Fixture fixture;
    begin(&fixture, DUE HOURLY STAGE);
    fixture_pass(&fixture, HOUR_MS);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reload(&fixture, texts[i]);
        assert_due(&fixture, 0);
    }
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_GONE, .file = {.file = "a.yaml"}});
    assert_due(&fixture, 0);
    fixture_release(&fixture);
}

static void a_tick_while_disabled_is_never_due(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, DUE "enabled: false\n" HOURLY STAGE);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_DISABLED, noon + HOUR_MS);
    reload(&fixture, DUE HOURLY STAGE);
    assert_due(&fixture, 0);
    fixture_pass(&fixture, HOUR_MS);
    assert_due(&fixture, noon + 4 * HOUR_MS);
    fixture_release(&fixture);
}

/* The clock stood still for an hour, while which a run succeeded: the tick before its end is judged after it. */
static void a_tick_judged_late_may_have_been_met(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, DUE HOURLY STAGE);
    fixture_start(&fixture);
    fixture.now.wall_ms += HOUR_MS;
    fixture_seen(&fixture, PREFECT_COMPLETED);
    fixture_pass(&fixture, 0);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS);
    assert_due(&fixture, 0);
    fixture_release(&fixture);
}

static void ticks_and_successes_of_a_clock_ahead_do_not_count(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, DUE HOURLY STAGE);
    fixture.now.wall_ms += 30LL * DAY_MS;
    fixture_start(&fixture);
    fixture_seen(&fixture, PREFECT_COMPLETED);
    fixture_pass(&fixture, HOUR_MS);
    assert_due(&fixture, noon + 30LL * DAY_MS + 3 * HOUR_MS);
    end_active(&fixture);
    fixture.now.wall_ms = noon;
    fixture_pass(&fixture, 0);
    assert_due(&fixture, 0);
    fixture_pass(&fixture, HOUR_MS);
    assert_due(&fixture, noon + 3 * HOUR_MS);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_tick_without_a_success_is_due),
        cmocka_unit_test(nothing_is_due_without_schedule_or_deadline),
        cmocka_unit_test(a_tick_while_disabled_is_never_due),
        cmocka_unit_test(a_tick_judged_late_may_have_been_met),
        cmocka_unit_test(ticks_and_successes_of_a_clock_ahead_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
