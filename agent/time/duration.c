/* SPDX-License-Identifier: Apache-2.0 */
#include "time/duration.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *unit;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
enum { UNITS = sizeof units / sizeof *units };

static const int64_t duration_max_ms = (int64_t)100 * 366 * 86400000;

static int unit_of(const char *text, size_t length)
{
    for (int i = 0; i < UNITS; i++) {
        if (strlen(units[i].unit) == length && memcmp(units[i].unit, text, length) == 0) {
            return i;
        }
    }
    return -1;
}

static bool invalid(Error *error, const char *text)
{
    return error_set(error, ERROR_INVALID, "'%.60s' is not a duration such as 90s, 5m or 1h30m", text);
}

bool duration_parse(const char *text, int64_t *duration_ms, Error *error)
{
    int64_t total = 0;
    int last = -1;
    const char *at = text;
    do {
        int64_t number = 0;
        const char *digits = at;
        for (; isdigit((unsigned char)*at); at++) {
            number = number > duration_max_ms ? number : number * 10 + (*at - '0');
        }
        size_t letters = strspn(at, "dhms");
        int unit = unit_of(at, letters);
        if (at == digits || unit <= last) {
            return invalid(error, text);
        }
        if (number > (duration_max_ms - total) / units[unit].ms) {
            return error_set(error, ERROR_INVALID, "'%.60s' is longer than 100 years", text);
        }
        total += number * units[unit].ms;
        last = unit;
        at += letters;
    } while (*at);
    *duration_ms = total;
    return true;
}

void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE])
{
    size_t length = 0;
    for (int i = 0; i < UNITS; i++) {
        int64_t count = duration_ms / units[i].ms;
        duration_ms %= units[i].ms;
        if (count) {
            length +=
                (size_t)snprintf(text + length, DURATION_TEXT_SIZE - length, "%lld%s", (long long)count, units[i].unit);
        }
    }
    if (length == 0) {
        snprintf(text, DURATION_TEXT_SIZE, "0s");
    }
}
