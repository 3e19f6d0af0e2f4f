/* SPDX-License-Identifier: Apache-2.0 */
/* cJSON reads more than JSON is: it takes escaped NULs as ends, control characters and 01 as they come, lets duplicate
 * members stand, nests up to 1000 deep. What it should not see is refused before it, what it should not have taken
 * afterwards. */
#include "base/json.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_digit(text[count])) {
        count++;
    }
    return count;
}

/* Length of the number at text (RFC 8259, 6), 0 when there is none: cJSON takes what strtod does, 01 and 1. among it.
 */
static size_t number_length(const char *text, size_t length)
{
    size_t at = text[0] == '-';
    size_t digits = count_digits(text + at, length - at);
    if (digits == 0 || (digits > 1 && text[at] == '0')) {
        return 0;
    }
    at += digits;
    if (at < length && text[at] == '.') {
        digits = count_digits(text + at + 1, length - at - 1);
        at += 1 + digits;
    }
    if (digits && at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < length && (text[at] == '+' || text[at] == '-');
        digits = count_digits(text + at, length - at);
        at += digits;
    }
    return digits ? at : 0;
}

/* 2^53 + 1 is the one integer that a double would show as one within +-2^53: the last digit of a copy of the text
 * becomes a 4, so that it stays beyond. */
static void keep_beyond(const char *text, size_t length, size_t at, size_t size, char **copy)
{
    static const char beyond[] = "9007199254740993";
    size_t sign = text[at] == '-';
    if (size - sign == sizeof beyond - 1 && memcmp(text + at + sign, beyond, size - sign) == 0) {
        *copy = *copy ? *copy : text_copy_length(text, length);
        (*copy)[at + size - 1] = '4';
    }
}

/* Nesting, control characters, escaped NULs and the form of numbers, in one pass over the bytes. *copy: new, to be
 * parsed instead; unless it stays NULL. */
static bool scan(const char *text, size_t length, char **copy, Error *error)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if ((unsigned char)c < ' ' && (quoted || !is_space(c))) {
            return error_set(error, ERROR_INVALID, "a control character at byte %zu", i);
        }
        if (quoted && c == '\\') {
            if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0) {
                return error_set(error, ERROR_INVALID, "an escaped NUL at byte %zu", i);
            }
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (quoted) {
            continue;
        } else if ((c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX) {
            return error_set(error, ERROR_LIMIT, "nested deeper than %d at byte %zu", JSON_DEPTH_MAX, i);
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (c == '-' || is_digit(c)) {
            size_t number = number_length(text + i, length - i);
            if (!number) {
                return error_set(error, ERROR_INVALID, "not a JSON number at byte %zu", i);
            }
            keep_beyond(text, length, i, number, copy);
            i += number - 1;
        }
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static const cJSON **sorted_members(const cJSON *object, size_t *count)
{
    *count = json_count(object);
    const cJSON **members = memory_new(*count * sizeof *members);
    size_t i = 0;
    for (const cJSON *member = object->child; member; member = member->next) {
        members[i++] = member;
    }
    qsort(members, *count, sizeof *members, compare_names);
    return members;
}

static bool stands_twice(const char *name, Error *error)
{
    return error_set(error, ERROR_INVALID, "the member '%.100s' stands twice", name);
}

/* Pair by pair while that is cheaper than sorting. */
static bool check_names(const cJSON *object, Error *error)
{
    enum { PAIRS_UP_TO = 12 };
    size_t count = json_count(object);
    if (count > PAIRS_UP_TO) {
        auto_free const cJSON **members = sorted_members(object, &count);
        for (size_t i = 1; i < count; i++) {
            if (strcmp(members[i - 1]->string, members[i]->string) == 0) {
                return stands_twice(members[i]->string, error);
            }
        }
        return true;
    }
    for (const cJSON *member = object->child; member; member = member->next) {
        for (const cJSON *other = member->next; other; other = other->next) {
            if (strcmp(member->string, other->string) == 0) {
                return stands_twice(member->string, error);
            }
        }
    }
    return true;
}

static bool check(const cJSON *json, Error *error)
{
    if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
        return error_set(error, ERROR_INVALID, "a number is out of range");
    }
    if (cJSON_IsObject(json) && !check_names(json, error)) {
        return false;
    }
    for (const cJSON *child = json->child; child; child = child->next) {
        if (!check(child, error)) {
            return false;
        }
    }
    return true;
}

Json *json_parse(const char *text, size_t length, Error *error)
{
    if (!text_is_utf8(text, length)) {
        error_set(error, ERROR_INVALID, "not UTF-8, or with a NUL");
        return NULL;
    }
    auto_free char *copy = NULL;
    if (!scan(text, length, &copy, error)) {
        return NULL;
    }
    text = copy ? copy : text;
    const char *end = text;
    auto_json *json = cJSON_ParseWithLengthOpts(text, length, &end, false);
    size_t at = end ? (size_t)(end - text) : 0;
    while (json && at < length && is_space(text[at])) {
        at++;
    }
    if (!json || at != length) {
        error_set(error, ERROR_INVALID, "not JSON at byte %zu", at);
        return NULL;
    }
    return check(json, error) ? memory_steal(&json) : NULL;
}

void json_free(Json *json)
{
    cJSON_Delete(json);
}

JsonType json_type(const Json *json)
{
    return cJSON_IsBool(json)     ? JSON_BOOLEAN
           : cJSON_IsNumber(json) ? JSON_NUMBER
           : cJSON_IsString(json) ? JSON_STRING
           : cJSON_IsArray(json)  ? JSON_ARRAY
           : cJSON_IsObject(json) ? JSON_OBJECT
                                  : JSON_NULL;
}

const char *json_type_name(JsonType type)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return names[type];
}

const Json *json_member(const Json *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const Json *json_first(const Json *collection)
{
    return collection && (cJSON_IsArray(collection) || cJSON_IsObject(collection)) ? collection->child : NULL;
}

const Json *json_next(const Json *item)
{
    return item->next;
}

const char *json_name(const Json *member)
{
    return member->string;
}

size_t json_count(const Json *collection)
{
    size_t count = 0;
    for (const Json *item = json_first(collection); item; item = item->next) {
        count++;
    }
    return count;
}

const char *json_text(const Json *json)
{
    return cJSON_IsString(json) ? json->valuestring : NULL;
}

bool json_number(const Json *json, double *value)
{
    if (!cJSON_IsNumber(json)) {
        return false;
    }
    *value = json->valuedouble;
    return true;
}

bool json_integer(const Json *json, int64_t *value)
{
    static const double limit = 9007199254740992.0; /* 2^53 */
    double number;
    if (!json_number(json, &number) || number != floor(number) || number < -limit || number > limit) {
        return false;
    }
    *value = (int64_t)number;
    return true;
}

bool json_boolean(const Json *json, bool fallback)
{
    return cJSON_IsBool(json) ? cJSON_IsTrue(json) : fallback;
}

const char *json_member_text(const Json *object, const char *name)
{
    return json_text(json_member(object, name));
}

static void write_value(JsonWriter *writer, const char *name, const Json *json, bool canonical);

static void write_members(JsonWriter *writer, const Json *object, bool canonical)
{
    size_t count = 0;
    auto_free const cJSON **members = canonical ? sorted_members(object, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        write_value(writer, members[i]->string, members[i], canonical);
    }
    for (const Json *member = object->child; !canonical && member; member = member->next) {
        write_value(writer, member->string, member, canonical);
    }
}

static void write_value(JsonWriter *writer, const char *name, const Json *json, bool canonical)
{
    int64_t integer;
    switch (json_type(json)) {
    case JSON_NULL:
        json_write_null(writer, name);
        break;
    case JSON_BOOLEAN:
        json_write_boolean(writer, name, cJSON_IsTrue(json));
        break;
    case JSON_NUMBER:
        if (json_integer(json, &integer)) {
            json_write_integer(writer, name, integer);
        } else {
            json_write_number(writer, name, json->valuedouble);
        }
        break;
    case JSON_STRING:
        json_write_text(writer, name, json->valuestring);
        break;
    case JSON_ARRAY:
        json_begin_array(writer, name);
        for (const Json *item = json->child; item; item = item->next) {
            write_value(writer, NULL, item, canonical);
        }
        json_end_array(writer);
        break;
    case JSON_OBJECT:
        json_begin_object(writer, name);
        write_members(writer, json, canonical);
        json_end_object(writer);
        break;
    }
}

void json_print(const Json *json, Buffer *out)
{
    JsonWriter writer;
    json_writer_init(&writer, out);
    write_value(&writer, NULL, json, false);
}

void json_print_canonical(const Json *json, Buffer *out)
{
    JsonWriter writer;
    json_writer_init(&writer, out);
    write_value(&writer, NULL, json, true);
}
