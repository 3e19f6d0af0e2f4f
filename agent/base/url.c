/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"
#include <ctype.h>
#include <string.h>

void url_encode(Buffer *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (isalnum(*at) || strchr("-._~", *at)) {
            buffer_char(out, (char)*at);
        } else {
            buffer_append(out, (char[]){'%', digits[*at >> 4], digits[*at & 15]}, 3);
        }
    }
}

static int digit_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

bool url_decode(char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '%') {
            int high = digit_value(at[1]), low = high >= 0 ? digit_value(at[2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                return false;
            }
        }
    }
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at == '%') {
            *to++ = (char)(digit_value(at[1]) * 16 + digit_value(at[2]));
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return true;
}
