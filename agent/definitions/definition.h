/* SPDX-License-Identifier: Apache-2.0 */
/* A sendpost as its file says it: parsed, checked, compiled to a graph. Immutable once read and counted by reference,
 * as runs stay pinned to the definition they started with. Grammar: contract "What users write", section 1. */
#ifndef SENDPOST_DEFINITIONS_DEFINITION_H
#define SENDPOST_DEFINITIONS_DEFINITION_H

#include "base/digest.h"
#include "base/json.h"
#include "definitions/finding.h"
#include "time/cron.h"
#include "time/zone.h"

typedef struct Label {
    char *name, *value;
} Label;

typedef enum ParameterType {
    PARAMETER_ANY,
    PARAMETER_STRING,
    PARAMETER_INTEGER,
    PARAMETER_NUMBER,
    PARAMETER_BOOLEAN,
    PARAMETER_ARRAY,
    PARAMETER_OBJECT
} ParameterType;
extern const char *const parameter_type_names[]; /* NULL for PARAMETER_ANY */

typedef struct Parameter {
    char *name, *description; /* description may be NULL */
    ParameterType type;
    bool required;       /* a trigger must give it */
    Json *default_value; /* may hold templates; NULL: none */
    Json *enumeration;   /* array; NULL: any value */
    bool has_minimum, has_maximum;
    double minimum, maximum;
    int line, column;
} Parameter;

typedef enum CatchUp { CATCH_UP_NONE, CATCH_UP_LATEST, CATCH_UP_ALL } CatchUp;
extern const char *const catch_up_names[];

typedef struct Schedule {
    char *expression;
    Cron cron;
    char *timezone;
    const Zone *zone; /* borrowed; NULL is UTC */
    CatchUp catch_up;
} Schedule;

typedef enum Concurrency { CONCURRENCY_FORBID, CONCURRENCY_QUEUE, CONCURRENCY_REPLACE } Concurrency;
extern const char *const concurrency_names[];

typedef enum NodeKind { NODE_RUN, NODE_OBSERVE, NODE_PARALLEL, NODE_SEQUENCE } NodeKind;
extern const char *const node_kind_names[]; /* "run" "observe" "parallel" "sequence" */
typedef enum When { WHEN_SUCCESS, WHEN_FAILURE, WHEN_ALWAYS } When;
extern const char *const when_names[];

/* One stage. Nodes stand in the order of the file, a group before its members: the members of node i are i + 1 .. end -
 * 1, its children i + 1, nodes[i + 1].end, and so on. */
typedef struct Node {
    NodeKind kind;
    char *name, *path;
    int parent; /* -1: top level */
    int end;    /* one past its last descendant */
    int *after; /* what it comes after, as written or implied: siblings or paths, leaves or groups */
    size_t after_count;
    int *needs; /* leaves only: the leaves that must be done first; groups and nesting resolved */
    size_t needs_count;
    When when; /* its own, else its nearest group's, else success */
    int line, column;
    bool allow_failure; /* leaves, from here on */
    bool blocked;
    char *deployment;    /* flow/deployment or a UUID */
    int64_t expected_ms; /* 0: not said, here and below */
    Json *parameters;    /* object with templates; NULL: none */
    Json *tags;          /* array of strings; NULL: none */
    Json *job_variables; /* object; NULL: none */
    int64_t timeout_ms;
    bool leave_on_timeout;
    int retries;
    int64_t retry_delay_ms;
    bool within_today; /* observe, from here on */
    int64_t within_ms;
    int64_t wait_ms;
    Json *match_parameters; /* object with templates; NULL: none */
    Json *match_tags;       /* array of strings with templates; NULL: none */
    bool cancel_on_failure; /* parallel, from here on */
    int max_concurrent;     /* 0: all */
} Node;

typedef struct Definition {
    size_t references;
    char *text; /* the file's bytes */
    size_t length;
    char sha256[DIGEST_HEX_SIZE];
    char *name, *description, *owner; /* description and owner may be NULL */
    Label *labels;
    size_t label_count;
    bool enabled;
    char *timezone;
    const Zone *zone; /* borrowed; NULL is UTC */
    Parameter *parameters;
    size_t parameter_count;
    Schedule *schedules;
    size_t schedule_count;
    char *webhook_secret_file; /* as written, relative to the directory of definitions; NULL: no webhook */
    Concurrency concurrency;
    int64_t timeout_ms, deadline_ms, freshness_ms; /* 0: none */
    Node *nodes;
    size_t node_count;
} Definition;

/* How reading asks for what is outside of the text. Both may be NULL: then any zone name of the right form is UTC, any
 * file exists. */
typedef struct DefinitionSource {
    bool (*zone_find)(void *user, const char *name,
                      const Zone **zone); /* false: no such zone. The zone outlives the definition */
    bool (*file_exists)(void *user, const char *path);
    void *user;
} DefinitionSource;

/* Reads one file's bytes. NULL when findings has an error; warnings may come with a definition. One reference. */
Definition *definition_read(const char *text, size_t length, const DefinitionSource *source, Findings *findings);

/* The name that a text says which cannot be read as a whole; new memory, NULL: it cannot be told. */
char *definition_name_told(const char *text, size_t length);

Definition *definition_hold(Definition *definition);
void definition_release(Definition *definition); /* frees with the last reference; NULL is legal */

/* Whether a text can name a deployment: flow/deployment, or a UUID. */
bool definition_is_reference(const char *text);
/* The node with this path, or -1. */
int definition_node_find(const Definition *definition, const char *path);
static inline bool node_is_leaf(const Node *node)
{
    return node->kind == NODE_RUN || node->kind == NODE_OBSERVE;
}

#endif
