/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about each route: one row for each of routes.c; that none is missing or left over is tested. What any
 * route may answer (a malformed request, a foreign Host …) is not repeated here. */
#ifndef SENDPOST_API_OPERATIONS_H
#define SENDPOST_API_OPERATIONS_H

#include "api/routes.h"
#include "api/schema.h"

enum { OPERATION_ANSWERS_MAX = 8, OPERATION_PROBLEMS_MAX = 6, OPERATION_HEADERS_MAX = 4 };

typedef struct Answer {
    int status; /* 0 ends the list */
    const char *about;
    const char *media;   /* NULL: no body */
    const Shape *shape;  /* of JSON; NULL: a text */
    const char *example; /* JSON; NULL: that of the shape */
    const char *header;  /* that comes with it, or NULL */
} Answer;

typedef struct Operation {
    const char *method, *pattern; /* the route */
    const char *id, *tag, *summary, *about;
    Answer answers[OPERATION_ANSWERS_MAX];      /* those of one status stand together */
    int problems[OPERATION_PROBLEMS_MAX];       /* statuses */
    const char *headers[OPERATION_HEADERS_MAX]; /* of the request */
    const char *body;                           /* an example; NULL: it takes none */
} Operation;

/* NULL: nothing is said about it. */
const Operation *operation_find(const char *method, const char *pattern);
size_t operation_count(void);
const Operation *operation_at(size_t index);

typedef struct Tag {
    const char *name, *about;
} Tag;

/* In the order in which they are shown, ended by one without a name. */
extern const Tag operation_tags[];

/* Problems by status, as components of the document. */
typedef struct ProblemAnswer {
    int status;
    const char *name, *about, *detail;
    const Shape *shape;
    const char *shown;  /* a member of the example that may be absent, or NULL */
    const char *header; /* that comes with it, or NULL */
} ProblemAnswer;

const ProblemAnswer *problem_answer_find(int status);
size_t problem_answer_count(void);
const ProblemAnswer *problem_answer_at(size_t index);

/* A parameter of a route by where it stands: "path", "query" (its name as in routes.c) or "header". NULL: nothing is
 * said about it. */
const Member *parameter_find(const char *where, const char *pattern, const char *name);

/* Headers of answers, as components of the document. */
size_t answer_header_count(void);
const Member *answer_header_at(size_t index);

#endif
