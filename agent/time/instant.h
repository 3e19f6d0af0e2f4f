/* SPDX-License-Identifier: Apache-2.0 */
/* Moments, in milliseconds. `wall` counts from 1970-01-01T00:00:00Z and may jump; `boot` counts from an arbitrary
 * start, goes on while the machine sleeps and never jumps. Deadlines run on boot, records and schedules use wall. */
#ifndef SENDPOST_TIME_INSTANT_H
#define SENDPOST_TIME_INSTANT_H

#include "base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Now {
    int64_t wall_ms;
    int64_t boot_ms;
} Now;

enum { INSTANT_TEXT_SIZE = 32 };

#define TIME_NEVER INT64_MAX

/* RFC 3339 in UTC with milliseconds: 2026-11-22T04:23:06.437Z. Years 0000 to 9999; others are clamped. */
void instant_format(int64_t wall_ms, char text[INSTANT_TEXT_SIZE]);

/* Whole seconds, rounded down, also before 1970. */
static inline int64_t instant_seconds(int64_t wall_ms)
{
    return wall_ms / 1000 - (wall_ms % 1000 < 0);
}

/* RFC 3339 with an offset, of seconds since 1970: 2026-11-22T05:23:06+01:00. Years as above. An offset of odd seconds,
 * as before standard time, is cut to minutes, and the clock with it. */
void instant_format_local(int64_t seconds, int32_t offset, char text[INSTANT_TEXT_SIZE]);

/* RFC 3339: a date, T or a space, a time with 0 to 9 fractional digits (cut to ms), and Z or an offset. False
 * otherwise. */
bool instant_parse(const char *text, int64_t *wall_ms);
/* The same of a JSON string; NULL or null: 0. */
bool instant_read(const Json *json, int64_t *wall_ms);

/* Calendar of the proleptic Gregorian calendar; days count from 1970-01-01. month 1-12, day 1-31. */
int64_t calendar_days(int64_t year, int month, int day);
void calendar_date(int64_t days, int64_t *year, int *month, int *day);

#endif
