/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML file as a tree that remembers where everything stands. Strict: one document, no anchors, aliases, tags, merge
 * keys or duplicate keys; scalars are YAML 1.2 core, and numbers with a leading zero are strings. */
#ifndef SENDPOST_DEFINITIONS_DOCUMENT_H
#define SENDPOST_DEFINITIONS_DOCUMENT_H

#include "base/buffer.h"
#include "definitions/finding.h"
#include <stdint.h>

typedef enum DocumentKind {
    DOCUMENT_NULL,
    DOCUMENT_BOOLEAN,
    DOCUMENT_INTEGER,
    DOCUMENT_NUMBER,
    DOCUMENT_STRING,
    DOCUMENT_SEQUENCE,
    DOCUMENT_MAPPING
} DocumentKind;

typedef struct DocumentNode {
    DocumentKind kind;
    int line, column; /* from 1 */
    bool quoted;
    char *text;         /* of a scalar, as written (quotes and escapes resolved) */
    double number;      /* INTEGER, NUMBER; BOOLEAN: 0 or 1 */
    const char *source; /* of a scalar: its bytes in the file, borrowed */
    size_t source_length;
    struct DocumentNode **keys;  /* MAPPING: scalars */
    struct DocumentNode **items; /* SEQUENCE, MAPPING: values */
    size_t count, capacity;
} DocumentNode;

/* NULL when findings has an error. A file with nothing but comments is null, at 1:1. Free with document_free, before
 * `text`. */
DocumentNode *document_parse(const char *text, size_t length, Findings *findings);
void document_free(DocumentNode *node);

const DocumentNode *document_find(const DocumentNode *mapping, const char *key); /* NULL when absent */
const char *document_kind_name(const DocumentNode *node);                        /* "a string", "a mapping", ... */

/* Where the mark (such as "${") at `at` within the text of a scalar stands in the file; where the scalar stands when
 * escapes hide it. */
void document_locate(const DocumentNode *node, const char *mark, const char *at, int *line, int *column);

/* Decides what a plain scalar is (YAML 1.2.2, 10.3.2). */
void document_resolve_scalar(DocumentNode *node);

/* Appends the node as JSON. False (with findings) for numbers that are not finite or are integers beyond +-2^53. */
bool document_to_json(const DocumentNode *node, Buffer *out, Findings *findings);

#endif
