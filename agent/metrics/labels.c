/* SPDX-License-Identifier: Apache-2.0 */
/* Backslash, quote and line feed are all that the format escapes. Where a value is not UTF-8 (names of files may be so)
 * Prometheus would refuse the whole scrape: its bytes become \xff, each another, so that two names stay two series. */
#include "metrics/labels.h"
#include "base/text.h"
#include <string.h>

enum { BYTE_SIZE_MAX = sizeof "\\\\xff" - 1 };

static bool is_plain(char c)
{
    return c != '\\' && c != '"' && c != '\n' && !(c & 0x80);
}

static char *put_byte(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    out = stpcpy(out, "\\\\x");
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 0xF];
    return out;
}

static char *put_escaped(char *out, const char *value, size_t length)
{
    size_t plain = 0;
    while (plain < length && is_plain(value[plain])) {
        plain++;
    }
    out = mempcpy(out, value, plain);
    bool valid = plain == length || text_is_utf8(value, length);
    for (size_t i = plain; i < length; i++) {
        char c = value[i];
        if (is_plain(c) || ((c & 0x80) && valid)) {
            *out++ = c;
        } else if (c & 0x80) {
            out = put_byte(out, (unsigned char)c);
        } else {
            out = stpcpy(out, c == '\n' ? "\\n" : c == '"' ? "\\\"" : "\\\\");
        }
    }
    return out;
}

/* Room is made once for the worst, that no byte is what it was: a snapshot of many stages has many labels. */
void label_append_length(Buffer *texts, size_t begin, const char *name, const char *value, size_t length)
{
    size_t name_length = strlen(name);
    if (!buffer_reserve(texts, name_length + BYTE_SIZE_MAX * length + strlen(",=\"\""))) {
        return;
    }
    char *out = texts->bytes + texts->length;
    if (texts->length > begin) {
        *out++ = ',';
    }
    out = mempcpy(out, name, name_length);
    out = mempcpy(out, "=\"", 2);
    out = put_escaped(out, value, length);
    *out++ = '"';
    *out = '\0';
    texts->length = (size_t)(out - texts->bytes);
}

void label_append(Buffer *texts, size_t begin, const char *name, const char *value)
{
    value = value ? value : "";
    label_append_length(texts, begin, name, value, strlen(value));
}

Text one_label(Buffer *texts, const char *name, const char *value)
{
    size_t begin = texts->length;
    label_append(texts, begin, name, value);
    return text_since(texts, begin);
}

Text two_labels(Buffer *texts, const char *name, const char *value, const char *second, const char *second_value)
{
    size_t begin = texts->length;
    label_append(texts, begin, name, value);
    label_append(texts, begin, second, second_value);
    return text_since(texts, begin);
}
