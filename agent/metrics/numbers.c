/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *number_unsigned(char *out, uint64_t number)
{
    char digits[24];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    size_t length = (size_t)(digits + sizeof digits - at);
    memcpy(out, at, length);
    return out + length;
}

char *number_seconds(char *out, int64_t ms)
{
    uint64_t magnitude = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms < 0) {
        *out++ = '-';
    }
    out = number_unsigned(out, magnitude / 1000);
    unsigned rest = (unsigned)(magnitude % 1000);
    if (!rest) {
        return out;
    }
    *out++ = '.';
    for (unsigned unit = 100; rest; unit /= 10) {
        *out++ = (char)('0' + rest / unit);
        rest %= unit;
    }
    return out;
}

char *number_double(char *out, double number)
{
    if (number >= 0 && number < 1e15 && number == floor(number)) {
        return number_unsigned(out, (uint64_t)number);
    }
    char text[NUMBER_SIZE];
    int length = 0;
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    memcpy(out, text, (size_t)length);
    return out + length;
}

char *number_bound(char *out, double number)
{
    char *end = number_double(out, number);
    if (number == floor(number)) {
        *end++ = '.';
        *end++ = '0';
    }
    return end;
}
