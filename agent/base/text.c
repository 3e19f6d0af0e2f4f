/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "base/limits.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Length of the UTF-8 sequence at text, or 0 when it is not one (Unicode 15, table 3-7). */
static size_t sequence_length(const unsigned char *text, size_t length)
{
    unsigned char first = text[0];
    if (first > 0 && first < 0x80) {
        return 1;
    }
    size_t need = first >= 0xC2 && first <= 0xDF   ? 2
                  : first >= 0xE0 && first <= 0xEF ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4
                                                   : 0;
    if (need == 0 || need > length) {
        return 0;
    }
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < need; i++, low = 0x80, high = 0xBF) {
        if (text[i] < low || text[i] > high) {
            return 0;
        }
    }
    return need;
}

size_t text_utf8_prefix(const char *text, size_t length)
{
    size_t good = 0, step;
    while (good < length && (step = sequence_length((const unsigned char *)text + good, length - good)) > 0) {
        good += step;
    }
    return good;
}

bool text_is_utf8(const char *text, size_t length)
{
    return text_utf8_prefix(text, length) == length;
}

size_t text_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

size_t text_cut(const char *text, size_t maximum)
{
    size_t length = strnlen(text, maximum + 1);
    if (length <= maximum) {
        return length;
    }
    while (maximum > 0 && ((unsigned char)text[maximum] & 0xC0) == 0x80) {
        maximum--;
    }
    return maximum;
}

void text_make_printable(char *text)
{
    for (size_t length = strlen(text), step; length; text += step, length -= step) {
        unsigned char c = (unsigned char)*text;
        step = sequence_length((const unsigned char *)text, length);
        bool control = c < ' ' || c == 0x7F || (c == 0xC2 && (unsigned char)text[1] < 0xA0);
        if (!step || control) {
            memset(text, step ? ' ' : '?', step ? step : 1);
        }
        step = step ? step : 1;
    }
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool text_is_name(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (!is_name_character(text[i])) {
            return false;
        }
    }
    return length > 0 && length <= NAME_MAX_LENGTH && text[0] != '-' && text[length - 1] != '-';
}

bool text_is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return text[36] == '\0';
}

enum { NEAREST_LENGTH_MAX = 64 };

/* Damerau's distance of neighbours: insertions, deletions, exchanges, and two letters swapped. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAREST_LENGTH_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            row[j] = swapped && higher[j - 2] + 1 < best ? higher[j - 2] + 1 : best;
        }
    }
    return rows[a_length % 3][b_length];
}

const char *text_nearest(const char *text, const char *const *candidates, size_t count)
{
    size_t length = strlen(text);
    size_t best = length < 3 ? 2 : length / 3 + 2; /* one more than is still a slip */
    const char *nearest = NULL;
    for (size_t i = 0; i < count && length <= NEAREST_LENGTH_MAX; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > NEAREST_LENGTH_MAX) {
            continue;
        }
        size_t found = distance(text, length, candidates[i], candidate_length);
        if (found < best && found < candidate_length) {
            best = found;
            nearest = candidates[i];
        }
    }
    return nearest;
}

bool text_to_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value)
{
    size_t sign = text[0] == '-';
    if (!isdigit((unsigned char)text[sign])) {
        return false;
    }
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < minimum || number > maximum) {
        return false;
    }
    *value = number;
    return true;
}
