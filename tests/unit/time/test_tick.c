/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks against a clock that is walked minute by minute around every change of every zone, and examples of the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "time/instant.h"
#include "time/tick.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WINDOW_MINUTES = 60 * 60, ZONES_MIN = 250 };

static Cron cron_of(const char *expression)
{
    Cron cron;
    Error error = {0};
    if (!cron_parse(expression, &cron, &error)) {
        fail_msg("%s: %s", expression, error.text);
    }
    return cron;
}

static Zone *zone_of(const char *name)
{
    Zone *zone = zone_load(NULL, name, NULL);
    assert_non_null(zone);
    return zone;
}

static int64_t instant(const char *text)
{
    int64_t wall_ms;
    assert_true(instant_parse(text, &wall_ms));
    return wall_ms / 1000;
}

static bool wall_matches(const Cron *cron, int64_t wall)
{
    int64_t days = (wall >= 0 ? wall : wall - DAY + 1) / DAY, year;
    int month, day, second = (int)(wall - days * DAY);
    calendar_date(days, &year, &month, &day);
    return cron_matches(cron, month, day, (int)(((days + 4) % 7 + 7) % 7), second / HOUR, second % HOUR / MINUTE);
}

/* Whether the clock's walk into this minute makes a tick. `high` is the latest minute that it ever showed. */
static bool walk_ticks(const Cron *cron, int64_t local, int64_t high)
{
    if (cron->follows_real_time) {
        return wall_matches(cron, local);
    }
    for (int64_t wall = high + MINUTE; wall <= local; wall += MINUTE) {
        if (wall_matches(cron, wall)) {
            return true;
        }
    }
    return false;
}

static void compare_walk(const char *name, const Zone *zone, const char *expression, int64_t from)
{
    Cron cron = cron_of(expression);
    Tick tick = tick_after(&cron, zone, from);
    int64_t high = from + zone_offset(zone, from);
    for (int64_t at = from + MINUTE; at <= from + (int64_t)WINDOW_MINUTES * MINUTE; at += MINUTE) {
        int64_t local = at + zone_offset(zone, at);
        bool expected = walk_ticks(&cron, local, high);
        high = local > high ? local : high;
        if (expected != (tick.at == at)) {
            fail_msg("%s, '%s': at %lld the clock says %s, the next tick is %lld", name, expression, (long long)at,
                     expected ? "tick" : "no tick", (long long)tick.at);
        }
        if (expected) {
            assert_true(wall_matches(&cron, tick.wall));
            tick = tick_after(&cron, zone, at);
        }
    }
}

static void compare_zone(const char *name)
{
    static const char *const expressions[] = {"30 2 * * *",        "*/20 * * * *", "0,30 0-3 * * *", "5 */2 * * *",
                                              "15 23 * * mon-wed", "0 0 1 * *",    "45 1 * * sun",   "59 23 30,31 * *"};
    Zone *zone = zone_of(name);
    int64_t last = instant("2040-01-01T00:00:00Z"), end = instant("2005-01-01T00:00:00Z");
    for (int64_t change = end; (change = zone_change_after(zone, change)) < last;) {
        assert_int_not_equal(zone_offset(zone, change - 1), zone_offset(zone, change));
        int64_t from = change - (int64_t)30 * HOUR;
        bool whole_minutes = change % MINUTE == 0 && zone_offset(zone, change) % MINUTE == 0;
        if (whole_minutes && from >= end) {
            for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
                compare_walk(name, zone, expressions[i], from);
            }
        }
        end = change + (int64_t)30 * HOUR;
    }
    zone_free(zone);
}

static void ticks_are_what_a_walking_clock_says(void **state)
{
    (void)state;
    FILE *table = fopen("/usr/share/zoneinfo/zone1970.tab", "re");
    assert_non_null(table);
    char line[512], name[128];
    int zones = 0;
    while (fgets(line, sizeof line, table)) {
        if (line[0] != '#' && sscanf(line, "%*s %*s %127s", name) == 1) {
            compare_zone(name);
            zones++;
        }
    }
    fclose(table);
    assert_true(zones > ZONES_MIN);
}

/* Between two changes that it names, the offset stays; nothing is passed over. */
static void changes_are_complete(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "Africa/Casablanca", "America/Nuuk", "Australia/Lord_Howe",
                                        "Europe/Dublin", "Asia/Tehran",       "UTC",          "Pacific/Apia"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Zone *zone = zone_of(names[i]);
        int64_t change = zone_change_after(zone, instant("1990-01-01T00:00:00Z"));
        for (int64_t at = instant("1990-01-01T00:00:00Z"); at < instant("2150-01-01T00:00:00Z"); at += HOUR) {
            bool differs = zone_offset(zone, at) != zone_offset(zone, at + HOUR);
            bool named = change > at && change <= at + HOUR;
            if (differs && !named) {
                fail_msg("%s: a change after %lld is not named", names[i], (long long)at);
            }
            change = named ? zone_change_after(zone, change) : change;
        }
        zone_free(zone);
    }
}

static const struct {
    const char *zone, *expression, *after, *at, *wall;
    TickKind kind;
} examples[] = {
    {"Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:30:00Z",
     TICK_AFTER_GAP},
    {"Europe/Berlin", "30 2 * * *", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-30T02:30:00Z", TICK_PLAIN},
    {"Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z",
     TICK_FIRST_OF_TWO},
    {"Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-26T02:30:00Z", TICK_PLAIN},
    {"Europe/Berlin", "30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T03:30:00Z", TICK_PLAIN},
    {"Europe/Berlin", "30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z",
     TICK_SECOND_OF_TWO},
    {"Pacific/Apia", "0 7 30 12 *", "2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T07:00:00Z",
     TICK_AFTER_GAP},
    {"UTC", "0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", "2104-02-29T00:00:00Z", TICK_PLAIN},
    {"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z", "2026-10-04T02:15:00Z",
     TICK_AFTER_GAP},
    {"America/New_York", "@daily", "2026-11-01T03:59:00Z", "2026-11-01T04:00:00Z", "2026-11-01T00:00:00Z", TICK_PLAIN},
};

static void daylight_saving_by_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        Zone *zone = zone_of(examples[i].zone);
        Cron cron = cron_of(examples[i].expression);
        Tick tick = tick_after(&cron, zone, instant(examples[i].after));
        char text[INSTANT_TEXT_SIZE];
        instant_format(tick.at * 1000, text);
        if (tick.at != instant(examples[i].at) || tick.wall != instant(examples[i].wall) ||
            tick.kind != examples[i].kind) {
            fail_msg("example %zu: %s, kind %d", i, text, (int)tick.kind);
        }
        zone_free(zone);
    }
}

static void far_ends_are_safe(void **state)
{
    (void)state;
    Cron cron = cron_of("0 0 1 1 *"), never = cron_of("0 0 29 2 *");
    assert_int_equal(tick_after(&cron, NULL, -1).at, 0);
    assert_int_equal(tick_after(&never, NULL, 0).at, instant("1972-02-29T00:00:00Z"));
    assert_int_equal(tick_wall_from(&cron, 1), instant("1971-01-01T00:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_what_a_walking_clock_says),
        cmocka_unit_test(changes_are_complete),
        cmocka_unit_test(daylight_saving_by_example),
        cmocka_unit_test(far_ends_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
