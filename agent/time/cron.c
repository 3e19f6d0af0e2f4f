/* SPDX-License-Identifier: Apache-2.0 */
#include "time/cron.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CRON_TEXT_MAX = 256, FIELDS = 5, NAME_LENGTH = 3 };

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

typedef struct Field {
    const char *name;
    int minimum, maximum;
    const char *const *names; /* of minimum, minimum + 1, ...; NULL: numbers only */
} Field;

static const Field fields[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, month_names},
    {"day of week", 0, 7, weekday_names},
};

static const struct {
    const char *word, *meaning;
} words[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};
enum { WORDS = sizeof words / sizeof *words };

static bool take_name(const Field *field, const char **at, int *value)
{
    for (int i = 0; field->names && field->names[i]; i++) {
        if (strncasecmp(*at, field->names[i], NAME_LENGTH) == 0 && !isalnum((unsigned char)(*at)[NAME_LENGTH])) {
            *value = field->minimum + i;
            *at += NAME_LENGTH;
            return true;
        }
    }
    return false;
}

static bool take_value(const Field *field, const char **at, int *value, Error *error)
{
    if (take_name(field, at, value)) {
        return true;
    }
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 3) {
        return error_set(error, ERROR_INVALID, "%s: '%.20s' is not a number%s", field->name, *at,
                         field->names ? " or a name" : "");
    }
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        *value = *value * 10 + ((*at)[i] - '0');
    }
    *at += digits;
    if (*value < field->minimum || *value > field->maximum) {
        return error_set(error, ERROR_INVALID, "%s: %d is not within %d to %d", field->name, *value, field->minimum,
                         field->maximum);
    }
    return true;
}

static bool take_step(const Field *field, const char **at, int *step, Error *error)
{
    *step = 1;
    if (**at != '/') {
        return true;
    }
    (*at)++;
    size_t digits = strspn(*at, "0123456789");
    int value = 0;
    for (size_t i = 0; i < digits && digits <= 3; i++) {
        value = value * 10 + ((*at)[i] - '0');
    }
    if (value < 1 || value > field->maximum) {
        return error_set(error, ERROR_INVALID, "%s: '/%.20s' is not a step within 1 to %d", field->name, *at,
                         field->maximum);
    }
    *at += digits;
    *step = value;
    return true;
}

/* One element of a list: *, a value or a range, with or without a step. */
static bool take_element(const Field *field, const char **at, uint64_t *bits, Error *error)
{
    int low = field->minimum, high = field->maximum, step;
    if (**at == '*') {
        (*at)++;
    } else {
        if (!take_value(field, at, &low, error)) {
            return false;
        }
        high = low;
        bool range = **at == '-';
        if (range && (++*at, !take_value(field, at, &high, error))) {
            return false;
        }
        if (!range && **at == '/') {
            return error_set(error, ERROR_INVALID, "%s: a step needs a range or * before it", field->name);
        }
        if (low > high) {
            return error_set(error, ERROR_INVALID, "%s: the range %d-%d is backwards", field->name, low, high);
        }
    }
    if (!take_step(field, at, &step, error)) {
        return false;
    }
    for (int i = low; i <= high; i += step) {
        *bits |= (uint64_t)1 << i;
    }
    return true;
}

static bool parse_field(const Field *field, const char *text, uint64_t *bits, Error *error)
{
    for (const char *at = text;;) {
        if (!take_element(field, &at, bits, error)) {
            return false;
        }
        if (*at == '\0') {
            return true;
        }
        if (*at++ != ',') {
            return error_set(error, ERROR_INVALID, "%s: '%.20s' is not understood", field->name, at - 1);
        }
    }
}

static bool parse_word(const char *text, const char **meaning, Error *error)
{
    const char *candidates[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        candidates[i] = words[i].word;
        if (strcasecmp(text, words[i].word) == 0) {
            *meaning = words[i].meaning;
            return true;
        }
    }
    const char *nearest = text_nearest(text, candidates, WORDS);
    return error_set(error, ERROR_INVALID, "unknown word '%.20s'%s%s%s", text, nearest ? ", did you mean '" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

/* Whether any month that is named has any day that is named. */
static bool can_match(const Cron *cron)
{
    static const int longest[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool both = cron->any_day || cron->any_weekday;
    for (int month = 1; month <= 12; month++) {
        uint32_t possible = (uint32_t)(((uint64_t)1 << (longest[month] + 1)) - 2);
        if ((cron->months >> month & 1) && ((cron->days & possible) || !both)) {
            return true;
        }
    }
    return false;
}

/* The words of text, one more than there are fields at most. */
static int split(const char *text, char copy[CRON_TEXT_MAX], char *parts[FIELDS + 1])
{
    char *rest = NULL;
    int count = 0;
    snprintf(copy, CRON_TEXT_MAX, "%s", text);
    for (char *part = strtok_r(copy, " \t", &rest); part && count <= FIELDS; part = strtok_r(NULL, " \t", &rest)) {
        parts[count++] = part;
    }
    return count;
}

bool cron_parse(const char *text, Cron *cron, Error *error)
{
    char copy[CRON_TEXT_MAX], *parts[FIELDS + 1];
    if (strlen(text) >= sizeof copy) {
        return error_set(error, ERROR_LIMIT, "longer than %d bytes", CRON_TEXT_MAX - 1);
    }
    int count = split(text, copy, parts);
    if (count == 1 && parts[0][0] == '@') {
        if (!parse_word(parts[0], &text, error)) {
            return false;
        }
        count = split(text, copy, parts);
    }
    if (count != FIELDS) {
        return error_set(error, ERROR_INVALID, "a cron expression has five fields, this one has %s%d",
                         count > FIELDS ? "more than " : "", count > FIELDS ? FIELDS : count);
    }
    uint64_t bits[FIELDS] = {0};
    for (int i = 0; i < FIELDS; i++) {
        if (!parse_field(&fields[i], parts[i], &bits[i], error)) {
            return false;
        }
    }
    uint32_t weekdays = (uint32_t)(bits[4] & 0x7F) | (uint32_t)(bits[4] >> 7 & 1);
    Cron parsed = {
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = weekdays,
        .any_day = parts[2][0] == '*',
        .any_weekday = parts[4][0] == '*',
        .follows_real_time = parts[1][0] == '*',
    };
    if (!can_match(&parsed)) {
        return error_set(error, ERROR_INVALID, "no date ever matches: no such day in these months");
    }
    *cron = parsed;
    return true;
}

bool cron_matches(const Cron *cron, int month, int day, int weekday, int hour, int minute)
{
    bool by_day = cron->days >> day & 1, by_weekday = cron->weekdays >> weekday & 1;
    bool date = cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
    return date && (cron->months >> month & 1) && (cron->hours >> hour & 1) && (cron->minutes >> minute & 1);
}
