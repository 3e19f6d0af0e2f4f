/* SPDX-License-Identifier: Apache-2.0 */
#include "time/instant.h"
#include <ctype.h>
#include <stdio.h>

enum { DAY_MS = 86400000 };
static const int64_t first_ms = -62167219200000; /* 0000-01-01T00:00:00Z */
static const int64_t last_ms = 253402300799999;  /* 9999-12-31T23:59:59.999Z */

/* Howard Hinnant's days_from_civil: eras of 400 years that begin on 1 March. */
int64_t calendar_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void calendar_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void put_digits(char *text, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10) {
        text[i] = (char)('0' + value % 10);
    }
}

void instant_format(int64_t wall_ms, char text[INSTANT_TEXT_SIZE])
{
    wall_ms = wall_ms < first_ms ? first_ms : wall_ms > last_ms ? last_ms : wall_ms;
    int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - (DAY_MS - 1)) / DAY_MS;
    int64_t rest = wall_ms - days * DAY_MS, year;
    int month, day;
    calendar_date(days, &year, &month, &day);
    static const char pattern[] = "0000-00-00T00:00:00.000Z";
    for (size_t i = 0; i < sizeof pattern; i++) {
        text[i] = pattern[i];
    }
    put_digits(text, year, 4);
    put_digits(text + 5, month, 2);
    put_digits(text + 8, day, 2);
    put_digits(text + 11, rest / 3600000, 2);
    put_digits(text + 14, rest / 60000 % 60, 2);
    put_digits(text + 17, rest / 1000 % 60, 2);
    put_digits(text + 20, rest % 1000, 3);
}

void instant_format_local(int64_t seconds, int32_t offset, char text[INSTANT_TEXT_SIZE])
{
    int32_t minutes = offset / 60;
    instant_format((seconds + (int64_t)minutes * 60) * 1000, text);
    char *at = text + 19; /* behind the seconds */
    int32_t size = minutes < 0 ? -minutes : minutes;
    *at++ = minutes < 0 ? '-' : '+';
    put_digits(at, size / 60, 2);
    at[2] = ':';
    put_digits(at + 3, size % 60, 2);
    at[5] = '\0';
}

/* Takes `digits` digits and the character behind them (0: none); false otherwise. */
static bool take(const char **at, int digits, char behind, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at)) {
            return false;
        }
        *value = *value * 10 + (**at - '0');
    }
    return !behind || *(*at)++ == behind;
}

static bool take_fraction(const char **at, int *ms)
{
    *ms = 0;
    if (**at != '.') {
        return true;
    }
    (*at)++;
    int digits = 0;
    for (; isdigit((unsigned char)**at); (*at)++, digits++) {
        *ms = digits < 3 ? *ms * 10 + (**at - '0') : *ms;
    }
    for (int i = digits; i < 3; i++) {
        *ms *= 10;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_offset(const char **at, int *minutes)
{
    char sign = *(*at)++;
    *minutes = 0;
    if (sign == 'Z' || sign == 'z') {
        return true;
    }
    int hours, rest;
    if ((sign != '+' && sign != '-') || !take(at, 2, ':', &hours) || !take(at, 2, 0, &rest) || hours > 23 ||
        rest > 59) {
        return false;
    }
    *minutes = (sign == '-' ? -1 : 1) * (hours * 60 + rest);
    return true;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool instant_parse(const char *text, int64_t *wall_ms)
{
    int year, month, day, hour, minute, second, ms, offset;
    if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) || !take(&text, 2, 0, &day) || month < 1 ||
        month > 12 || day < 1 || day > month_days(year, month)) {
        return false;
    }
    if ((*text != 'T' && *text != 't' && *text != ' ') || (text++, !take(&text, 2, ':', &hour)) ||
        !take(&text, 2, ':', &minute) || !take(&text, 2, 0, &second) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    if (!take_fraction(&text, &ms) || !take_offset(&text, &offset) || *text) {
        return false;
    }
    second = second == 60 ? 59 : second; /* a leap second: clocks here have none */
    int64_t seconds = ((calendar_days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
    *wall_ms = seconds * 1000 + ms;
    return true;
}

bool instant_read(const Json *json, int64_t *wall_ms)
{
    *wall_ms = 0;
    if (!json || json_type(json) == JSON_NULL) {
        return true;
    }
    return json_text(json) && instant_parse(json_text(json), wall_ms);
}
