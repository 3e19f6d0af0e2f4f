/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cursor.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

enum { KEY_MAX = 128 }; /* the longest of a name, and of a time with an id */
_Static_assert((int)KEY_MAX > (int)NAME_MAX_LENGTH, "a name fits");

static char *to_hex(const char *key)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = strlen(key);
    char *hex = memory_new(2 * length + 1);
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[(unsigned char)key[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)key[i] & 15];
    }
    return hex;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool from_hex(const char *hex, char key[KEY_MAX])
{
    size_t length = strlen(hex);
    if (length == 0 || length % 2 || length / 2 >= KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0) {
            return false;
        }
        key[i] = (char)(high << 4 | low);
    }
    key[length / 2] = '\0';
    return true;
}

char *cursor_of_name(const char *name)
{
    return to_hex(name);
}

char *cursor_of_run(int64_t created_at, const char *id)
{
    auto_free char *key = text_format("%lld %s", (long long)created_at, id);
    return to_hex(key);
}

bool cursor_to_name(const char *cursor, char **name)
{
    char key[KEY_MAX];
    if (!from_hex(cursor, key) || !text_is_name(key)) {
        return false;
    }
    *name = text_copy(key);
    return true;
}

bool cursor_to_run(const char *cursor, int64_t *created_at, char id[UUID_SIZE])
{
    char key[KEY_MAX];
    char *space = from_hex(cursor, key) ? strchr(key, ' ') : NULL;
    if (!space) {
        return false;
    }
    *space = '\0';
    if (!text_is_uuid(space + 1) || !text_to_integer(key, 0, INT64_MAX, created_at)) {
        return false;
    }
    memcpy(id, space + 1, UUID_SIZE);
    return true;
}
