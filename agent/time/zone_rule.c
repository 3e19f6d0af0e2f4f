/* SPDX-License-Identifier: Apache-2.0 */
#include "time/zone_rule.h"
#include "time/instant.h"
#include <ctype.h>
#include <string.h>

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600 };

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The wall clock's second, in that year, at which a date falls. */
static int64_t date_in_year(const ZoneRuleDate *date, int64_t year)
{
    int64_t new_year = calendar_days(year, 1, 1), day;
    if (date->kind == DATE_JULIAN) { /* 1 to 365; 29 February is never counted */
        day = new_year + date->day - 1 + (is_leap(year) && date->day >= 60);
    } else if (date->kind == DATE_ZERO_BASED) {
        day = new_year + date->day;
    } else {
        int64_t first = calendar_days(year, date->month, 1);
        int64_t next = date->month == 12 ? calendar_days(year + 1, 1, 1) : calendar_days(year, date->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (date->day - weekday + 7) % 7 + 7L * (date->week - 1);
        while (day >= next) { /* week 5 is the last one */
            day -= 7;
        }
    }
    return day * DAY_SECONDS + date->seconds;
}

static bool take_number(const char **at, int maximum, int *value)
{
    const char *start = *at;
    for (*value = 0; isdigit((unsigned char)**at) && *at - start < 3; (*at)++) {
        *value = *value * 10 + (**at - '0');
    }
    return *at > start && *value <= maximum;
}

static bool take_zone_name(const char **at)
{
    if (**at == '<') {
        const char *end = strchr(*at, '>');
        *at = end ? end + 1 : *at;
        return end != NULL;
    }
    const char *start = *at;
    while (isalpha((unsigned char)**at)) {
        (*at)++;
    }
    return *at - start >= 3;
}

/* [+-]hours[:minutes[:seconds]] */
static bool take_clock(const char **at, int hours_max, int32_t *seconds)
{
    int parts[3] = {0}, sign = **at == '-' ? -1 : 1;
    *at += **at == '-' || **at == '+';
    if (!take_number(at, hours_max, &parts[0])) {
        return false;
    }
    for (int i = 1; i < 3 && **at == ':'; i++) {
        (*at)++;
        if (!take_number(at, 59, &parts[i])) {
            return false;
        }
    }
    *seconds = sign * (parts[0] * HOUR_SECONDS + parts[1] * 60 + parts[2]);
    return true;
}

static bool take_month_week_day(const char **at, ZoneRuleDate *date)
{
    date->kind = DATE_MONTH_WEEK_DAY;
    if (!take_number(at, 12, &date->month) || date->month < 1 || *(*at)++ != '.') {
        return false;
    }
    if (!take_number(at, 5, &date->week) || date->week < 1 || *(*at)++ != '.') {
        return false;
    }
    return take_number(at, 6, &date->day);
}

static bool take_date(const char **at, ZoneRuleDate *date)
{
    *date = (ZoneRuleDate){.seconds = 2 * HOUR_SECONDS};
    bool taken;
    if (**at == 'M') {
        (*at)++;
        taken = take_month_week_day(at, date);
    } else if (**at == 'J') {
        (*at)++;
        date->kind = DATE_JULIAN;
        taken = take_number(at, 365, &date->day) && date->day >= 1;
    } else {
        date->kind = DATE_ZERO_BASED;
        taken = take_number(at, 365, &date->day);
    }
    if (taken && **at == '/') {
        (*at)++;
        return take_clock(at, 167, &date->seconds);
    }
    return taken;
}

bool zone_rule_parse(const char *text, ZoneRule *rule)
{
    int32_t west;
    if (!take_zone_name(&text) || !take_clock(&text, 24, &west)) {
        return false;
    }
    *rule = (ZoneRule){.standard = -west, .daylight = -west};
    if (*text == '\0') {
        return true;
    }
    if (!take_zone_name(&text)) {
        return false;
    }
    rule->daylight = rule->standard + HOUR_SECONDS;
    if (*text != ',') {
        if (!take_clock(&text, 24, &west)) {
            return false;
        }
        rule->daylight = -west;
    }
    return *text++ == ',' && take_date(&text, &rule->start) && *text++ == ',' && take_date(&text, &rule->end) &&
           *text == '\0';
}

static int64_t year_of(int64_t local)
{
    int64_t days = (local >= 0 ? local : local - (DAY_SECONDS - 1)) / DAY_SECONDS, year;
    int month, day;
    calendar_date(days, &year, &month, &day);
    return year;
}

int32_t zone_rule_offset(const ZoneRule *rule, int64_t instant)
{
    if (rule->start.kind == DATE_NONE) {
        return rule->standard;
    }
    int64_t year = year_of(instant + rule->standard);
    int64_t start = date_in_year(&rule->start, year) - rule->standard;
    int64_t end = date_in_year(&rule->end, year) - rule->daylight;
    bool saving = start < end ? instant >= start && instant < end : instant >= start || instant < end;
    return saving ? rule->daylight : rule->standard;
}

/* Whether the offset really is another from `change` on: dates may fall together, or the year's end cut a rule. */
static bool changes_at(const ZoneRule *rule, int64_t change)
{
    return zone_rule_offset(rule, change - 1) != zone_rule_offset(rule, change);
}

int64_t zone_rule_change_after(const ZoneRule *rule, int64_t instant)
{
    if (rule->start.kind == DATE_NONE || rule->standard == rule->daylight) {
        return INT64_MAX;
    }
    int64_t first = year_of(instant + rule->standard) - 1;
    for (int64_t year = first; year <= first + 3; year++) {
        int64_t new_year = calendar_days(year, 1, 1) * DAY_SECONDS - rule->standard;
        int64_t changes[3] = {new_year, date_in_year(&rule->start, year) - rule->standard,
                              date_in_year(&rule->end, year) - rule->daylight};
        int64_t earliest = INT64_MAX;
        for (int i = 0; i < 3; i++) {
            bool counts = changes[i] > instant && changes[i] < earliest && changes_at(rule, changes[i]);
            earliest = counts ? changes[i] : earliest;
        }
        if (earliest != INT64_MAX) {
            return earliest;
        }
    }
    return INT64_MAX;
}
