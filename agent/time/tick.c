/* SPDX-License-Identifier: Apache-2.0 */
/* Between two changes of a zone's offset the local clock runs evenly: each such stretch is searched by itself. What a
 * fixed schedule has had is told by the high water of the local clock: the latest wall time that it ever showed. */
#include "time/tick.h"
#include "time/instant.h"

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, MINUTE_SECONDS = 60, DAYS_MAX = TICK_YEARS * 366 };

static int64_t floor_division(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The first matching second of a day at or after `second`, -1 when there is none. */
static int64_t second_of_day(const Cron *cron, int64_t second)
{
    int64_t minute_of_day = (second + MINUTE_SECONDS - 1) / MINUTE_SECONDS;
    for (int64_t hour = minute_of_day / 60, minute = minute_of_day % 60; hour < 24; hour++, minute = 0) {
        uint64_t left = cron->hours >> hour & 1 ? cron->minutes >> minute : 0;
        if (left) {
            return hour * HOUR_SECONDS + (minute + __builtin_ctzll(left)) * MINUTE_SECONDS;
        }
    }
    return -1;
}

static bool date_matches(const Cron *cron, int64_t day_number)
{
    int64_t year;
    int month, day, weekday = (int)(((day_number + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    calendar_date(day_number, &year, &month, &day);
    int hour = __builtin_ctz(cron->hours), minute = __builtin_ctzll(cron->minutes);
    return cron_matches(cron, month, day, weekday, hour, minute);
}

int64_t tick_wall_from(const Cron *cron, int64_t wall)
{
    int64_t day = floor_division(wall, DAY_SECONDS), second = wall - day * DAY_SECONDS;
    for (int64_t last = day + DAYS_MAX; day <= last; day++, second = 0) {
        int64_t found = date_matches(cron, day) ? second_of_day(cron, second) : -1;
        if (found >= 0) {
            return day * DAY_SECONDS + found;
        }
    }
    return TICK_NEVER;
}

/* The latest wall time that the local clock had shown by an instant. Offsets lie within a day and a half of another. */
static int64_t high_water(const Zone *zone, int64_t instant)
{
    int64_t highest = instant + zone_offset(zone, instant);
    int64_t change = zone_change_after(zone, instant - (int64_t)3 * DAY_SECONDS);
    while (change <= instant) {
        int64_t shown = change - 1 + zone_offset(zone, change - 1);
        highest = shown > highest ? shown : highest;
        change = zone_change_after(zone, change);
    }
    return highest;
}

static TickKind kind_of(const Zone *zone, int64_t at, int64_t wall)
{
    if (at + zone_offset(zone, at) != wall) {
        return TICK_AFTER_GAP;
    }
    if (high_water(zone, at - 1) >= wall) {
        return TICK_SECOND_OF_TWO;
    }
    int64_t change = zone_change_after(zone, at);
    bool soon = change != TICK_NEVER && change - at <= (int64_t)2 * DAY_SECONDS;
    return soon && change + zone_offset(zone, change) <= wall ? TICK_FIRST_OF_TWO : TICK_PLAIN;
}

Tick tick_after(const Cron *cron, const Zone *zone, int64_t after)
{
    const int64_t horizon = after + (int64_t)DAYS_MAX * DAY_SECONDS;
    for (int64_t from = after + 1; from < horizon;) {
        int32_t offset = zone_offset(zone, from);
        int64_t end = zone_change_after(zone, from);
        int64_t first = cron->follows_real_time ? from + offset : high_water(zone, from - 1) + 1;
        int64_t wall = tick_wall_from(cron, first);
        if (wall == TICK_NEVER) {
            break;
        }
        int64_t at = wall - offset < from ? from : wall - offset;
        if (at < end) {
            return (Tick){at, wall, kind_of(zone, at, wall)};
        }
        from = end;
    }
    return (Tick){.at = TICK_NEVER};
}
