/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read a definition share; nobody else includes it. */
#ifndef SENDPOST_DEFINITIONS_READING_H
#define SENDPOST_DEFINITIONS_READING_H

#include "base/map.h"
#include "definitions/keys.h"

/* Where each node of a definition was read from. */
typedef struct NodeSource {
    const DocumentNode *mapping;
    const DocumentNode *needs; /* NULL: the one before */
    const DocumentNode *when;  /* NULL: not said */
    const DocumentNode *parameters, *match;
} NodeSource;

typedef struct StageReader {
    Reader reader; /* first: a Reader * of it is a StageReader * */
    NodeSource *sources;
    const DocumentNode *stages, *parameters;
    Map *paths; /* of stages, to their nodes; once they are all read */
    size_t node_capacity;
    bool incomplete; /* a stage could not be read: the graph would lack it */
} StageReader;

/* declarations.c: `parameters` of a sendpost */
void declarations_read(Reader *reader, const DocumentNode *node, void *target);
void declarations_schema(JsonWriter *writer);
/* What is wrong with a value for a parameter, or NULL; new text. */
char *parameter_fault(const Parameter *parameter, const Json *value);
bool json_has_template(const Json *value);

/* stages.c: the list of stages, recursively, into definition->nodes */
void stages_read(StageReader *stages, const DocumentNode *list, int parent);

/* stage_keys.c */
void stages_schema(JsonWriter *writer);
void stage_definition_schema(JsonWriter *writer); /* "stage", of "$defs" */

/* graph.c: fills paths, after, needs, when; finds what is wrong with them */
void graph_compile(StageReader *stages);
int stage_find(const StageReader *stages, const char *path); /* -1 when there is none */
/* An error that suggests the stage that may be meant. */
void unknown_stage(Reader *reader, const DocumentNode *at, const char *path);

/* templates.c: every ${...} of parameters, stages and matches */
void templates_check(StageReader *stages);

#endif
