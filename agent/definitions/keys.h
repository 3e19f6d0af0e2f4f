/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mappings by tables: each key is declared once, with its type, its bounds and its help. Reading, the errors
 * for unknown and missing keys, and the JSON Schema follow from the declaration. The configuration uses the same. */
#ifndef SENDPOST_DEFINITIONS_KEYS_H
#define SENDPOST_DEFINITIONS_KEYS_H

#include "base/json_writer.h"
#include "definitions/definition.h"
#include "definitions/document.h"

typedef enum KeyType {
    KEY_TEXT,      /* char * */
    KEY_NAME,      /* char *, text_is_name */
    KEY_BOOLEAN,   /* bool */
    KEY_INTEGER,   /* int64_t; minimum, maximum */
    KEY_COUNT,     /* int; minimum, maximum */
    KEY_DURATION,  /* int64_t ms; minimum */
    KEY_CHOICE,    /* int; choices */
    KEY_TEXT_LIST, /* Json * array of strings; maximum items */
    KEY_OBJECT,    /* Json * object, any content */
    KEY_CUSTOM,    /* read by `read`, described by `schema` */
} KeyType;

typedef struct Reader {
    Findings *findings;
    const DefinitionSource *source;
    Definition *definition;
} Reader;

typedef struct Key {
    const char *name;
    KeyType type;
    size_t offset; /* of the member within the target */
    const char *description;
    bool required;
    int64_t minimum, maximum;
    const char *const *choices; /* ended by NULL */
    void (*read)(Reader *reader, const DocumentNode *node, void *target);
    void (*schema)(JsonWriter *writer); /* CUSTOM: writes the members of its schema */
} Key;

/* Reads every known key of a mapping into target; `what` names the mapping in errors ("a schedule"). `hint` may say
 * more of an unknown key (NULL: nothing). False when node is no mapping. */
bool keys_read(Reader *reader, const DocumentNode *node, const char *what, const Key *keys, size_t count, void *target,
               const char *(*hint)(const char *key));

void reader_error(Reader *reader, const DocumentNode *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The candidate nearest to a wrong text at node, or NULL; NULL also when a finding there would not be kept. */
const char *reader_nearest(Reader *reader, const DocumentNode *node, const char *text, const char *const *candidates,
                           size_t count);

/* The text of a scalar where a string is due: any plain scalar but null. NULL (and a finding) otherwise. */
const char *reader_text(Reader *reader, const DocumentNode *node, const char *what);
/* The node as JSON; NULL with findings. Free with json_free. */
Json *reader_json(Reader *reader, const DocumentNode *node);
bool reader_duration(Reader *reader, const DocumentNode *node, const char *what, int64_t minimum, int64_t *duration_ms);

/* Members of a schema: a scalar that is taken as its text, and "type": "string" with a pattern. */
void schema_write_scalar(JsonWriter *writer);
void schema_write_pattern(JsonWriter *writer, const char *pattern);
void schema_write_choices(JsonWriter *writer, const char *const *choices);
void schema_write_texts(JsonWriter *writer, int64_t maximum); /* a list of scalars; maximum 0: any number */
/* Of durations; the second: more than nothing. */
#define SCHEMA_DURATION_BODY "([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
#define SCHEMA_DURATION      "^(?=.)" SCHEMA_DURATION_BODY "$"
#define SCHEMA_SOME_DURATION "^(?=.*[1-9])" SCHEMA_DURATION_BODY "$"

/* Writes "properties", "required" and "additionalProperties" of a table, and each key's own schema. */
void keys_write_schema(JsonWriter *writer, const Key *keys, size_t count);

#endif
