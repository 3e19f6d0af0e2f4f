/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "time/cron.h"
#include "time/duration.h"
#include "time/instant.h"
#include "time/zone.h"
#include <string.h>

static void instants_go_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_ms;
        const char *printed;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"2026-11-22T04:23:06.437728Z", 1795321386437, "2026-11-22T04:23:06.437Z"},
        {"2026-11-22 05:23:06.4+01:00", 1795321386400, "2026-11-22T04:23:06.400Z"},
        {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
        {"2000-02-29T12:00:00-00:30", 951827400000, "2000-02-29T12:30:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t wall_ms;
        char text[INSTANT_TEXT_SIZE];
        assert_true(instant_parse(cases[i].text, &wall_ms));
        assert_int_equal(wall_ms, cases[i].wall_ms);
        instant_format(wall_ms, text);
        assert_string_equal(text, cases[i].printed);
    }
    static const char *const wrong[] = {"",
                                        "2026-13-01T00:00:00Z",
                                        "2026-02-29T00:00:00Z",
                                        "2026-01-01",
                                        "2026-01-01T00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:00:00",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T00:00:00+0100"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t wall_ms;
        assert_false(instant_parse(wrong[i], &wall_ms));
    }
}

static void instants_are_shown_with_an_offset(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t offset;
        const char *text;
    } cases[] = {
        {1795321386, 3600, "2026-11-22T05:23:06+01:00"},   {1795321386, 0, "2026-11-22T04:23:06+00:00"},
        {1795321386, -12600, "2026-11-22T00:53:06-03:30"}, {-1, -1, "1969-12-31T23:59:59+00:00"},
        {0, 50400, "1970-01-01T14:00:00+14:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[INSTANT_TEXT_SIZE];
        instant_format_local(cases[i].seconds, cases[i].offset, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void every_day_has_its_date(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 7) {
        int64_t year;
        int month, day;
        calendar_date(days, &year, &month, &day);
        assert_int_equal(calendar_days(year, month, day), days);
    }
}

static void durations_are_strict(void **state)
{
    (void)state;
    int64_t duration_ms;
    char text[DURATION_TEXT_SIZE];
    assert_true(duration_parse("1h30m", &duration_ms, NULL));
    assert_int_equal(duration_ms, 5400000);
    assert_true(duration_parse("90d", &duration_ms, NULL));
    assert_true(duration_parse("1s5ms", &duration_ms, NULL));
    assert_int_equal(duration_ms, 1005);
    duration_format(93784005, text);
    assert_string_equal(text, "1d2h3m4s5ms");
    duration_format(0, text);
    assert_string_equal(text, "0s");
    static const char *const wrong[] = {
        "", "5", "5x", "30m1h", "1h1h", "1.5h", "-1s", "s", "1 h", "99999999999999999999d", "40000d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Error error = {0};
        assert_false(duration_parse(wrong[i], &duration_ms, &error));
        assert_true(error.text[0] != '\0');
    }
}

static void cron_reads_like_vixie(void **state)
{
    (void)state;
    Cron cron;
    assert_true(cron_parse("*/20 0-6/2,22 1,15 JAN-mar mon-fri", &cron, NULL));
    assert_int_equal(cron.minutes, (1ull << 0) | (1ull << 20) | (1ull << 40));
    assert_int_equal(cron.hours, 1 << 0 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 22);
    assert_int_equal(cron.weekdays, 0x3E);
    assert_false(cron.follows_real_time);
    assert_true(cron_matches(&cron, 1, 1, 0, 0, 20)); /* the day of the month matches */
    assert_true(cron_matches(&cron, 2, 2, 1, 22, 0)); /* the weekday matches */
    assert_false(cron_matches(&cron, 2, 2, 0, 22, 0));
    assert_true(cron_parse("0 0 */2 * 7", &cron, NULL)); /* a day field begins with *: both must match */
    assert_true(cron_matches(&cron, 5, 3, 0, 0, 0));
    assert_false(cron_matches(&cron, 5, 4, 0, 0, 0));
    assert_true(cron_parse(" @daily\t ", &cron, NULL));
    assert_int_equal(cron.hours, 1);
    assert_true(cron_parse("0 0 29 2 *", &cron, NULL));
    static const char *const wrong[] = {"* * * *",    "* * * * * *", "60 * * * *",  "* 24 * * *",   "* * 0 * *",
                                        "* * * 13 *", "* * * * 8",   "5-1 * * * *", "*/0 * * * *",  "1/2 * * * *",
                                        "a * * * *",  "@dayly",      "0 0 31 2 *",  "1,,2 * * * *", "1- * * * *"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Error error = {0};
        assert_false(cron_parse(wrong[i], &cron, &error));
        assert_true(error.text[0] != '\0');
    }
}

static void zones_have_gaps_and_overlaps(void **state)
{
    (void)state;
    Error error = {0};
    Zone *berlin = zone_load(NULL, "Europe/Berlin", &error);
    assert_non_null(berlin);
    int64_t instants[2], gap = calendar_days(2026, 3, 29) * 86400 + 9000,
                         overlap = calendar_days(2026, 10, 25) * 86400 + 9000;
    assert_int_equal(zone_instants(berlin, gap, instants), 0);
    assert_int_equal(zone_instants(berlin, overlap, instants), 2);
    assert_int_equal(instants[1] - instants[0], 3600);
    assert_int_equal(zone_instants(berlin, calendar_days(2060, 7, 1) * 86400, instants), 1);
    assert_int_equal(zone_offset(berlin, instants[0]), 7200);
    assert_int_equal(zone_offset(NULL, 0), 0);
    zone_free(berlin);
    assert_null(zone_load(NULL, "Mars/Olympus", &error));
    assert_null(zone_load(NULL, "../../etc/passwd", &error));
    assert_null(zone_parse("TZif", 4, &error));
    assert_false(zone_is_name("/etc/passwd"));
}

/* One transition at 1000 s from +0 to +1 h, in the oldest form: 32-bit times, no footer. */
static void a_file_of_version_one_is_read(void **state)
{
    (void)state;
    static const unsigned char file[] = {'T', 'Z', 'i', 'f', 0, 0, 0,    0,    0, 0, 0,   0,   0,   0,    0, 0, 0,
                                         0,   0,   0,   0,   0, 0, 0,    0,    0, 0, 0,   0,   0,   0,    0, 0, 0,
                                         0,   1,   0,   0,   0, 2, 0,    0,    0, 4, 0,   0,   3,   0xE8, 1, 0, 0,
                                         0,   0,   0,   0,   0, 0, 0x0E, 0x10, 1, 0, 'A', 'B', 'C', 0};
    Error error = {0};
    Zone *zone = zone_parse(file, sizeof file, &error);
    assert_non_null(zone);
    assert_int_equal(zone_offset(zone, 999), 0);
    assert_int_equal(zone_offset(zone, 1000), 3600);
    assert_int_equal(zone_offset(zone, 1 << 30), 3600);
    zone_free(zone);
    for (size_t length = 0; length < sizeof file; length++) {
        assert_null(zone_parse(file, length, &error));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_go_there_and_back),    cmocka_unit_test(instants_are_shown_with_an_offset),
        cmocka_unit_test(every_day_has_its_date),        cmocka_unit_test(durations_are_strict),
        cmocka_unit_test(cron_reads_like_vixie),         cmocka_unit_test(zones_have_gaps_and_overlaps),
        cmocka_unit_test(a_file_of_version_one_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
