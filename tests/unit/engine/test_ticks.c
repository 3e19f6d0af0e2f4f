/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of ticks by example: what each verdict means. tests/simulation/ledger.c walks through years of it. */
#include "ticks.h"

static void a_tick_starts_a_run(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\ntimezone: Europe/Berlin\nparameters: {day: '${run.date}'}\n" HOURLY STAGE);
    assert_int_equal(sendpost_next_run_at(sendpost_of(&fixture)), noon + HOUR_MS);
    assert_int_equal(schedule_next_at(sendpost_of(&fixture), 0), noon + HOUR_MS);
    assert_int_equal(engine_deadline(fixture.engine, fixture.now), fixture.now.boot_ms + HOUR_MS);
    fixture_pass(&fixture, HOUR_MS - 1);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_pass(&fixture, 1);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS);
    const Run *run = sendpost_of(&fixture)->runs[0];
    assert_string_equal(run->record.id, fixture.actions.changes.ticks[0].run_id);
    assert_int_equal(run->record.trigger, TRIGGER_SCHEDULE);
    assert_int_equal(run->record.for_at, noon + HOUR_MS);
    assert_string_equal(run->record.triggered_by, "0 * * * *");
    assert_string_equal(run->record.parameters, "{\"day\":\"2026-11-18\"}");
    assert_int_equal(sendpost_of(&fixture)->totals.last_tick_at, noon + HOUR_MS);
    fixture_release(&fixture);
}

static void the_same_tick_is_the_same_run_anywhere(void **state)
{
    (void)state;
    char ids[3][UUID_SIZE];
    const char *names[] = {"one", "one", "two"};
    for (int i = 0; i < 3; i++) {
        Fixture fixture;
        auto_free char *text = text_format("name: %s\n" HOURLY STAGE, names[i]);
        begin(&fixture, text);
        fixture_pass(&fixture, HOUR_MS + i);
        memcpy(ids[i], fixture.actions.changes.ticks[0].run_id, UUID_SIZE);
        fixture_release(&fixture);
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
}

static void concurrency_rules_ticks_too(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    fixture_pass(&fixture, HOUR_MS);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_SKIPPED, noon + 2 * HOUR_MS);
    assert_int_equal(sendpost_of(&fixture)->totals.refused[REFUSAL_RUNNING], 0);
    end_active(&fixture);
    fixture_load(&fixture, "name: one\nconcurrency: queue\n" HOURLY STAGE);
    for (int i = 3; i <= 5; i++) {
        fixture_pass(&fixture, HOUR_MS);
        assert_tick(&fixture, VERDICT_STARTED, noon + i * HOUR_MS);
    }
    assert_int_equal(sendpost_queued_count(sendpost_of(&fixture)), 2);
    fixture_load(&fixture, "name: one\nconcurrency: replace\n" HOURLY STAGE);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + 6 * HOUR_MS);
    assert_int_equal(sendpost_of(&fixture)->run_count, 1);
    fixture_release(&fixture);
}

/* A start that somebody planned for the time of a tick is judged as well, and does not take the tick's place. */
static void a_planned_start_at_a_tick_is_another_run(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    TriggerEvent planned = {.token = 1, .run_id = RUN_2, .start_at = noon + HOUR_MS};
    assert_int_equal(fixture_trigger(&fixture, planned)->kind, REPLY_ACCEPTED);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS);
    const Sendpost *sendpost = sendpost_of(&fixture);
    assert_int_equal(sendpost->run_count, 1);
    assert_int_equal(sendpost->runs[0]->record.trigger, TRIGGER_SCHEDULE);
    assert_true(sendpost->runs[0]->record.admitted);
    assert_int_equal(sendpost->totals.refused[REFUSAL_RUNNING], 1);
    fixture_release(&fixture);
}

static void a_disabled_sendpost_has_ticks_without_runs(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\nenabled: false\n" HOURLY STAGE);
    assert_int_equal(sendpost_next_run_at(sendpost_of(&fixture)), 0);
    assert_int_equal(schedule_next_at(sendpost_of(&fixture), 0), 0);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_DISABLED, noon + HOUR_MS);
    fixture_release(&fixture);
}

static void parameters_that_no_schedule_gives_skip_it(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\nparameters: {limit: {type: integer}}\n" HOURLY STAGE);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_SKIPPED, noon + HOUR_MS);
    assert_int_equal(sendpost_of(&fixture)->totals.refused[REFUSAL_PARAMETERS], 1);
    fixture_release(&fixture);
}

static void downtime_is_judged_by_catch_up(void **state)
{
    (void)state;
    static const struct {
        const char *catch_up;
        Verdict verdicts[3];
    } cases[] = {
        {"none", {VERDICT_MISSED, VERDICT_MISSED, VERDICT_MISSED}},
        {"latest", {VERDICT_MISSED, VERDICT_MISSED, VERDICT_CAUGHT_UP}},
        {"all", {VERDICT_CAUGHT_UP, VERDICT_CAUGHT_UP, VERDICT_CAUGHT_UP}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Fixture fixture;
        auto_free char *text =
            text_format("name: one\nschedule: {cron: '0 * * * *', catch_up: %s}\n" STAGE, cases[i].catch_up);
        begin(&fixture, text);
        restart_after(&fixture, 3 * HOUR_MS + 10 * MINUTE_MS);
        reload(&fixture, text);
        int64_t at[] = {noon + HOUR_MS, noon + 2 * HOUR_MS, noon + 3 * HOUR_MS};
        assert_ticks(&fixture, 3, cases[i].verdicts, at);
        fixture_pass(&fixture, HOUR_MS);
        assert_int_equal(fixture.actions.changes.tick_count, 1);
        fixture_release(&fixture);
    }
}

/* They wait for one another although `forbid` would refuse them, oldest first. */
static void what_is_caught_up_queues(void **state)
{
    (void)state;
    Fixture fixture;
    const char *text = "name: one\nschedule: {cron: '0 * * * *', catch_up: all}\n" STAGE;
    begin(&fixture, text);
    restart_after(&fixture, 3 * HOUR_MS + 10 * MINUTE_MS);
    reload(&fixture, text);
    for (int i = 1; i <= 3; i++) {
        const Run *run = sendpost_shown_run(sendpost_of(&fixture));
        assert_int_equal(run->record.for_at, noon + i * HOUR_MS);
        assert_int_equal(sendpost_queued_count(sendpost_of(&fixture)), 3 - i);
        end_active(&fixture);
    }
    assert_null(sendpost_shown_run(sendpost_of(&fixture)));
    fixture_release(&fixture);
}

/* The last one came a moment before the agent, and would have been started in time alone. */
static void what_was_missed_together_is_caught_up_together(void **state)
{
    (void)state;
    static const char *const concurrencies[] = {"forbid", "queue", "replace"};
    for (int i = 0; i < 3; i++) {
        Fixture fixture;
        char *text = text_format("name: one\nconcurrency: %s\nschedule: {cron: '0 * * * *', catch_up: all}\n" STAGE,
                                 concurrencies[i]);
        begin(&fixture, text);
        restart_after(&fixture, 2 * HOUR_MS + 2000);
        reload(&fixture, text);
        Verdict verdicts[] = {VERDICT_CAUGHT_UP, VERDICT_CAUGHT_UP};
        int64_t at[] = {noon + HOUR_MS, noon + 2 * HOUR_MS};
        assert_ticks(&fixture, 2, verdicts, at);
        assert_int_equal(sendpost_queued_count(sendpost_of(&fixture)), 1);
        end_active(&fixture);
        assert_int_equal(sendpost_shown_run(sendpost_of(&fixture))->record.for_at, noon + 2 * HOUR_MS);
        fixture_pass(&fixture, HOUR_MS); /* comes while one runs, as any other day */
        assert_tick(&fixture, i ? VERDICT_STARTED : VERDICT_SKIPPED, noon + 3 * HOUR_MS);
        fixture_release(&fixture);
        free(text);
    }
}

static void what_is_not_caught_up_waits_for_nothing(void **state)
{
    (void)state;
    Fixture fixture;
    const char *text = "name: one\nschedule:\n- {cron: '0 * * * *', catch_up: all}\n- {cron: '30 14 * * *'}\n" STAGE;
    begin(&fixture, text);
    restart_after(&fixture, 2 * HOUR_MS + 30 * MINUTE_MS + 2000);
    reload(&fixture, text);
    Verdict verdicts[] = {VERDICT_CAUGHT_UP, VERDICT_CAUGHT_UP, VERDICT_SKIPPED};
    int64_t at[] = {noon + HOUR_MS, noon + 2 * HOUR_MS, noon + 2 * HOUR_MS + 30 * MINUTE_MS};
    assert_ticks(&fixture, 3, verdicts, at);
    fixture_release(&fixture);
}

static void at_most_so_many_are_caught_up(void **state)
{
    (void)state;
    Fixture fixture;
    const char *text = "name: one\nschedule: {cron: '* * * * *', catch_up: all}\n" STAGE;
    begin(&fixture, text);
    restart_after(&fixture, DAY_MS + 30000);
    fixture_load(&fixture, text);
    uint64_t judged = 0, steps = 0;
    do {
        fixture_pass(&fixture, 0);
        judged += fixture.actions.changes.tick_count;
        steps++;
    } while (engine_deadline(fixture.engine, fixture.now) <= fixture.now.boot_ms);
    const uint64_t *ticks = sendpost_of(&fixture)->totals.ticks;
    assert_int_equal(judged, 1440);
    assert_true(steps > 1); /* a bounded number in each */
    assert_int_equal(ticks[VERDICT_CAUGHT_UP], 100);
    assert_int_equal(ticks[VERDICT_MISSED], 1340);
    fixture_release(&fixture);
}

static void a_restart_in_the_second_of_a_tick_keeps_it(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    restart_after(&fixture, HOUR_MS + 900);
    reload(&fixture, "name: one\n" HOURLY STAGE);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS);
    restart_after(&fixture, 50);
    reload(&fixture, "name: one\n" HOURLY STAGE);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_release(&fixture);
}

static void a_changed_schedule_counts_from_its_loading(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture,
          "name: one\nschedule:\n- {cron: '0 * * * *', catch_up: all}\n- {cron: '10 * * * *', catch_up: all}\n" STAGE);
    restart_after(&fixture, HOUR_MS + 40 * MINUTE_MS);
    reload(&fixture, "name: one\nschedule:\n- {cron: '20 * * * *', catch_up: all}\n- {cron: '10 * * * *'}\n" STAGE);
    Verdict verdicts[] = {VERDICT_MISSED, VERDICT_MISSED};
    int64_t at[] = {noon + 10 * MINUTE_MS, noon + HOUR_MS + 10 * MINUTE_MS};
    assert_ticks(&fixture, 2, verdicts, at);
    fixture_pass(&fixture, 30 * MINUTE_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + 2 * HOUR_MS + 10 * MINUTE_MS);
    fixture_pass(&fixture, 10 * MINUTE_MS);
    assert_tick(&fixture, VERDICT_SKIPPED, noon + 2 * HOUR_MS + 20 * MINUTE_MS);
    fixture_release(&fixture);
}

static void what_is_due_is_judged_before_the_definition_changes(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    fixture.now.wall_ms += HOUR_MS;
    fixture.now.boot_ms += HOUR_MS;
    fixture_load(&fixture, "name: one\n" STAGE);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS);
    fixture_pass(&fixture, 0);
    assert_ticks(&fixture, 0, NULL, NULL);
    assert_true(engine_deadline(fixture.engine, fixture.now) > fixture.now.boot_ms);
    fixture_release(&fixture);
}

static void a_retired_sendpost_has_no_ticks(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_GONE, .file = {.file = "a.yaml"}});
    fixture_pass(&fixture, 3 * HOUR_MS);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_load(&fixture, "name: one\n" HOURLY STAGE);
    fixture_pass(&fixture, 0);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_pass(&fixture, HOUR_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + 4 * HOUR_MS);
    fixture_release(&fixture);
}

/* It went while no agent ran, and comes back when one has been there without it. */
static void a_sendpost_that_went_meanwhile_has_no_ticks(void **state)
{
    (void)state;
    Fixture fixture;
    const char *text = "name: one\nschedule: {cron: '0 * * * *', catch_up: latest}\n" STAGE;
    begin(&fixture, text);
    restart_after(&fixture, HOUR_MS / 2);
    FileEvent file = {.file = "a.yaml", .definition = fixture.definition};
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_GONE, .file = file});
    assert_int_equal(fixture.actions.changes.sendpost_count, 1);
    fixture_pass(&fixture, 3 * HOUR_MS);
    reload(&fixture, text);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_release(&fixture);
}

static void clocks_that_jump_neither_repeat_nor_drop(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\nschedule: {cron: '*/30 * * * *'}\nconcurrency: queue\n" STAGE);
    fixture.now.wall_ms += HOUR_MS;
    fixture_pass(&fixture, 1000);
    Verdict verdicts[] = {VERDICT_MISSED, VERDICT_STARTED};
    int64_t at[] = {noon + 30 * MINUTE_MS, noon + HOUR_MS};
    assert_ticks(&fixture, 2, verdicts, at);
    fixture.now.wall_ms -= HOUR_MS;
    for (int i = 0; i < 60; i++) {
        fixture_pass(&fixture, MINUTE_MS);
        assert_ticks(&fixture, 0, NULL, NULL);
    }
    fixture_pass(&fixture, 30 * MINUTE_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + HOUR_MS + 30 * MINUTE_MS);
    fixture_release(&fixture);
}

/* Ten years ahead and back again: the years of waiting for them would be a silence. */
static void a_clock_that_was_far_ahead_is_forgotten(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    char id[UUID_SIZE];
    fixture_pass(&fixture, HOUR_MS);
    memcpy(id, fixture.actions.changes.ticks[0].run_id, UUID_SIZE);
    end_active(&fixture);
    fixture.now.wall_ms += 30LL * DAY_MS;
    fixture_pass(&fixture, 0);
    assert_int_equal(fixture.actions.changes.tick_count, 720);
    fixture.now.wall_ms -= 30LL * DAY_MS + 2 * HOUR_MS;
    assert_int_equal(engine_deadline(fixture.engine, fixture.now), fixture.now.boot_ms);
    fixture_pass(&fixture, 0);
    assert_int_equal(sendpost_next_run_at(sendpost_of(&fixture)), noon);
    fixture_pass(&fixture, 2 * HOUR_MS);
    fixture_pass(&fixture, 0);
    const Changes *changes = &fixture.actions.changes;
    assert_int_equal(changes->tick_count, 0);
    assert_int_equal(sendpost_of(&fixture)->totals.last_tick_at, noon + HOUR_MS);
    assert_string_not_equal(sendpost_of(&fixture)->runs[0]->record.id, id);
    fixture_release(&fixture);
}

static bool find_zone(void *user, const char *name, const Zone **zone)
{
    (void)name;
    *zone = user;
    return true;
}

/* At 12:00 in Berlin (UTC+1) it would have been due at 15:00Z; by the new data it is due at 07:00Z tomorrow. */
static void zones_with_new_data_move_what_is_planned(void **state)
{
    (void)state;
    static const char text[] = "name: one\ntimezone: Here\nschedule: {cron: '0 16 * * *'}\n" STAGE;
    Zone *zone = zone_load(NULL, "Europe/Berlin", NULL);
    assert_non_null(zone);
    Findings findings = {0};
    Definition *definition = definition_read(text, strlen(text), &(DefinitionSource){find_zone, NULL, zone}, &findings);
    Fixture fixture = {.engine = fixture_engine(), .definition = definition, .now = {noon, 1000000}};
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_LOADED, .file = {.file = "a", .definition = definition}});
    assert_int_equal(engine_deadline(fixture.engine, fixture.now), fixture.now.boot_ms + 3 * HOUR_MS);
    zone_replace(zone, zone_load(NULL, "Asia/Tokyo", NULL));
    uint64_t version = sendpost_of(&fixture)->version;
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_ZONES});
    assert_true(sendpost_of(&fixture)->version > version);
    version = sendpost_of(&fixture)->version;
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_ZONES});
    assert_int_equal(sendpost_of(&fixture)->version, version);
    fixture_pass(&fixture, 3 * HOUR_MS);
    assert_ticks(&fixture, 0, NULL, NULL);
    fixture_pass(&fixture, 16 * HOUR_MS);
    assert_tick(&fixture, VERDICT_STARTED, noon + 19 * HOUR_MS);
    fixture_release(&fixture);
    zone_free(zone);
}

/* Its file got another name while no agent ran: the journal has its marks, its run another schedule perhaps. */
static void what_is_defined_no_more_has_no_ticks(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, "name: one\n" HOURLY STAGE);
    fixture_start(&fixture);
    SendpostHistory history = history_of(&fixture);
    fixture_restart(&fixture, MINUTE_MS);
    engine_restore_sendpost(fixture.engine, &history);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_ZONES});
    fixture_pass(&fixture, HOUR_MS);
    assert_true(sendpost_of(&fixture)->retired);
    assert_int_equal(fixture.actions.changes.tick_count, 0);
    assert_int_equal(sendpost_next_run_at(sendpost_of(&fixture)), 0);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_starts_a_run),
        cmocka_unit_test(the_same_tick_is_the_same_run_anywhere),
        cmocka_unit_test(concurrency_rules_ticks_too),
        cmocka_unit_test(a_planned_start_at_a_tick_is_another_run),
        cmocka_unit_test(a_disabled_sendpost_has_ticks_without_runs),
        cmocka_unit_test(parameters_that_no_schedule_gives_skip_it),
        cmocka_unit_test(downtime_is_judged_by_catch_up),
        cmocka_unit_test(what_is_caught_up_queues),
        cmocka_unit_test(what_was_missed_together_is_caught_up_together),
        cmocka_unit_test(what_is_not_caught_up_waits_for_nothing),
        cmocka_unit_test(at_most_so_many_are_caught_up),
        cmocka_unit_test(a_restart_in_the_second_of_a_tick_keeps_it),
        cmocka_unit_test(a_changed_schedule_counts_from_its_loading),
        cmocka_unit_test(what_is_due_is_judged_before_the_definition_changes),
        cmocka_unit_test(a_retired_sendpost_has_no_ticks),
        cmocka_unit_test(a_sendpost_that_went_meanwhile_has_no_ticks),
        cmocka_unit_test(what_is_defined_no_more_has_no_ticks),
        cmocka_unit_test(clocks_that_jump_neither_repeat_nor_drop),
        cmocka_unit_test(a_clock_that_was_far_ahead_is_forgotten),
        cmocka_unit_test(zones_with_new_data_move_what_is_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
