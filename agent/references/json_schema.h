/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value can be right for a JSON Schema, as Prefect judges it (2020-12, and what pydantic 1 writes). Only what
 * is certainly wrong is said: keywords that are not known here, references that lead nowhere and values that only a
 * run will know are taken to fit. */
#ifndef SENDPOST_REFERENCES_JSON_SCHEMA_H
#define SENDPOST_REFERENCES_JSON_SCHEMA_H

#include "base/json.h"

/* Sets of types: a bit for each JsonType, and one more for numbers that may be whole. */
enum { TYPE_BIT_WHOLE = JSON_OBJECT + 1, TYPES_ANY = (1 << (TYPE_BIT_WHOLE + 1)) - 1 };
static inline unsigned type_bit(JsonType type)
{
    return 1U << type;
}

typedef struct SchemaContext {
    const Json *root; /* where "#/…" begins */
    /* The types that a text may turn into when a run renders it; 0: it is what it is. */
    unsigned (*types_of_text)(const void *user, const char *text);
    const void *user;
} SchemaContext;

/* What is wrong with the value of a member of an object whose schema is `parent` ("must be integer, not string"), or
 * NULL; new text. What is neither required nor has a default may be null. */
char *schema_member_fault(const SchemaContext *context, const Json *parent, const char *name, const Json *value);

/* A schema's one type name, references followed; NULL: several, or none. */
const char *schema_type(const SchemaContext *context, const Json *schema);
/* Its list of allowed values; NULL: none. */
const Json *schema_enumeration(const SchemaContext *context, const Json *schema);
bool schema_requires(const Json *schema, const char *name);

#endif
