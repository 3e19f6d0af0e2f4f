/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON on cJSON: the only place that includes it for parsing. Refused: trailing bytes, invalid UTF-8, NUL
 * (also escaped), raw control characters, numbers that are not finite or not in JSON's form (01, 1.), duplicate
 * members, nesting over JSON_DEPTH_MAX. Members are found by exact case. */
#ifndef SENDPOST_BASE_JSON_H
#define SENDPOST_BASE_JSON_H

#include "base/buffer.h"
#include "base/error.h"
#include <stdint.h>

typedef struct cJSON Json;

/* Parses exactly `length` bytes. Free with json_free. NULL and an error with the byte offset on failure. */
Json *json_parse(const char *text, size_t length, Error *error);
void json_free(Json *json); /* NULL is legal */
static inline void json_free_cleanup(Json **json)
{
    json_free(*json);
}
#define auto_json __attribute__((cleanup(json_free_cleanup))) Json

typedef enum JsonType { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;
JsonType json_type(const Json *json);
const char *json_type_name(JsonType type); /* "null", "boolean", ... */

/* Borrowed children. NULL when absent, or when `object` is not an object (may be NULL). */
const Json *json_member(const Json *object, const char *name);
const Json *json_first(const Json *collection); /* of an array or object; then json_next */
const Json *json_next(const Json *item);
const char *json_name(const Json *member); /* its name within the object */
size_t json_count(const Json *collection);

/* Typed reads of a value; NULL, false or the fallback when it is absent or of another type. */
const char *json_text(const Json *json);             /* borrowed */
bool json_integer(const Json *json, int64_t *value); /* whole and within +-2^53 */
bool json_number(const Json *json, double *value);
bool json_boolean(const Json *json, bool fallback);
/* The same of a member: json_member_text(reply, "id"). */
const char *json_member_text(const Json *object, const char *name);

/* Appends the value as compact JSON, members in their order. */
void json_print(const Json *json, Buffer *out);
/* Canonical: members sorted by name at every level, numbers normalised; equal values print alike. */
void json_print_canonical(const Json *json, Buffer *out);

#endif
