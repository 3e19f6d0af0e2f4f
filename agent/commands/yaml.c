/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/yaml.h"
#include "base/limits.h"
#include "base/text.h"
#include <math.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = DOCUMENT_DEPTH_MAX - 8 }; /* what a definition puts around a value */

/* Words that some reader or other takes for something else. */
static bool is_bare(const char *text)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    size_t length = strlen(text);
    if (length == 0 || !strchr(letters, text[0]) || strspn(text, others) != length) {
        return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcasecmp(text, taken[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* YAML 1.2 5.1: what is not printable must be escaped. Of what JSON lets through that is DEL, C1, the BOM, U+FFFE and
 * U+FFFF; NEL and the line separators are escaped too, as they break lines. Returns the bytes of such a character. */
static size_t unprintable(const unsigned char *at, unsigned *code)
{
    if (at[0] < 0x20 || at[0] == 0x7F) {
        *code = at[0];
        return 1;
    }
    if (at[0] == 0xC2 && at[1] < 0xA0) {
        *code = at[1];
        return 2;
    }
    bool three = (at[0] & 0xF0) == 0xE0;
    *code = three ? (at[0] & 0x0FU) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU) : 0;
    bool special = *code == 0x2028 || *code == 0x2029 || *code == 0xFEFF || *code == 0xFFFE || *code == 0xFFFF;
    return three && special ? 3 : 0;
}

void yaml_write_text(Buffer *out, const char *text, bool literal)
{
    if (is_bare(text)) {
        buffer_text(out, text);
        return;
    }
    buffer_char(out, '"');
    for (const char *at = text; *at;) {
        unsigned code;
        size_t length = unprintable((const unsigned char *)at, &code);
        if (length) {
            buffer_format(out, "\\u%04x", code);
            at += length;
            continue;
        }
        if (*at == '"' || *at == '\\') {
            buffer_char(out, '\\');
        } else if (literal && *at == '$' && (at[1] == '$' || at[1] == '{')) {
            buffer_char(out, '$');
        }
        buffer_char(out, *at++);
    }
    buffer_char(out, '"');
}

static void write_collection(Buffer *out, const Json *value)
{
    bool object = json_type(value) == JSON_OBJECT;
    buffer_char(out, object ? '{' : '[');
    for (const Json *item = json_first(value); item; item = json_next(item)) {
        if (object) {
            yaml_write_text(out, json_name(item), false);
            buffer_text(out, ": ");
        }
        yaml_write_value(out, item);
        buffer_text(out, json_next(item) ? ", " : "");
    }
    buffer_char(out, object ? '}' : ']');
}

void yaml_write_value(Buffer *out, const Json *value)
{
    if (json_text(value)) {
        yaml_write_text(out, json_text(value), true);
    } else if (json_type(value) >= JSON_ARRAY) {
        write_collection(out, value);
    } else {
        json_print(value, out);
    }
}

static bool can_hold(const Json *value, int depth)
{
    double number;
    if (json_number(value, &number)) {
        return number != floor(number) || fabs(number) < 9007199254740992.0;
    }
    bool fits = depth < DEPTH_MAX;
    for (const Json *item = json_first(value); item && fits; item = json_next(item)) {
        fits = can_hold(item, depth + 1);
    }
    return fits;
}

bool yaml_can_hold(const Json *value)
{
    return can_hold(value, 0);
}
