/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON of the API looks like, as tables: each shape of the contract's "Shapes" once, with its members in the
 * order in which they are written. Their JSON Schema and examples follow from the tables; that the writers (shapes_*.c,
 * handlers_*.c) keep to them is tested against a running agent. */
#ifndef SENDPOST_API_SCHEMA_H
#define SENDPOST_API_SCHEMA_H

#include "base/json_writer.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum ValueKind {
    VALUE_TEXT,
    VALUE_NAME, /* of a sendpost or a stage */
    VALUE_PATH, /* of a stage */
    VALUE_TIME,
    VALUE_LATER_TIME, /* after 1970 */
    VALUE_UUID,
    VALUE_DIGEST,
    VALUE_URL,
    VALUE_CURSOR,
    VALUE_KEY,    /* of idempotency */
    VALUE_HEADER, /* a text that fits a header */
    VALUE_LABEL,  /* name:value */
    VALUE_SECONDS,
    VALUE_INTEGER, /* `minimum` and up */
    VALUE_BOOLEAN,
    VALUE_FREE_OBJECT, /* with any members */
    VALUE_TEXTS,       /* an object whose members are texts */
    VALUE_ANY,
    VALUE_CHOICE, /* of `choices` */
    VALUE_SHAPE,  /* an object of `shape` */
    VALUE_KINDS
} ValueKind;

enum {
    NULLABLE = 1,
    LIST = 2,     /* an array of such values */
    OPTIONAL = 4, /* may be absent: nothing else of an answer is */
    REQUIRED = 8, /* of a request: the rest may be absent */
};

/* A closed list of the engine or of the definitions; entries that are NULL are no choice. */
typedef struct Choices {
    const char *const *names;
    int count;
    const char *further; /* one that is only said, or NULL */
} Choices;

typedef struct Shape Shape;

typedef struct Member {
    const char *name, *about;
    ValueKind kind;
    unsigned flags;
    const Choices *choices;
    const Shape *shape;
    const char *example;      /* JSON; NULL: that of its kind */
    int64_t minimum, maximum; /* of a number, or of the length of a text in characters; maximum 0: none */
} Member;

struct Shape {
    const char *name, *about;
    const Shape *base; /* its members come first; or NULL */
    const Member *members;
    size_t count;
};

/* Every shape that can be referred to, ended by NULL. */
extern const Shape *const shapes[];

/* Those that operations name. */
extern const Shape schema_status, schema_reload, schema_sendpost_page, schema_sendpost, schema_run_page, schema_run,
    schema_event, schema_message, schema_deployment_page, schema_deployment, schema_problem, schema_conflict,
    schema_invalid, schema_not_ready, schema_broken;
extern const Choices choices_states;

/* Members of an object that was begun: a schema of the value; with `about`. */
void schema_write_value(JsonWriter *writer, const Member *member);
/* The schema of a shape, by its name. */
void schema_write_shape(JsonWriter *writer, const Shape *shape);
/* A value that the schema takes. */
void schema_write_example(JsonWriter *writer, const char *name, const Member *member);
/* As the only one of "examples". */
void schema_write_examples(JsonWriter *writer, const Member *member);
void schema_write_shape_example(JsonWriter *writer, const char *name, const Shape *shape);

#endif
