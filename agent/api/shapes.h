/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of the contract's "Shapes". Members are always there and in the contract's order; what is absent is null. */
#ifndef SENDPOST_API_SHAPES_H
#define SENDPOST_API_SHAPES_H

#include "access/token_file.h"
#include "base/json_writer.h"
#include "catalogue/catalogue.h"
#include "engine/engine.h"

typedef struct ShapeContext {
    const char *ui_url; /* of Prefect, "" when unknown */
    char *base_url;     /* how people reach us */
} ShapeContext;

/* name NULL: an array element or the top value. */
void shape_run_summary(JsonWriter *writer, const char *name, const RunRecord *run); /* run NULL: null */
/* Unfinished or ended, from the engine or the journal: groups must have their derived states. */
void shape_run(JsonWriter *writer, const Run *run, const ShapeContext *context);
void shape_failure(JsonWriter *writer, const char *name, const Failure *failure); /* NULL: null */

void shape_sendpost_summary(JsonWriter *writer, const Sendpost *sendpost, const ShapeContext *context);
void shape_sendpost(JsonWriter *writer, const Sendpost *sendpost, const TickRecord *ticks, size_t tick_count,
                    const ShapeContext *context);
/* What is wrong with a file: null, or {message, file, line, column}. */
void shape_file_error(JsonWriter *writer, const char *name, const char *file, const char *message, int line,
                      int column);
/* shapes_directory.c: members about all definitions */
void shape_revision(JsonWriter *writer, const CatalogueStatistics *catalogue);
void shape_directory_errors(JsonWriter *writer, const CatalogueStatistics *catalogue, const Engine *engine);
/* Why the tokens file is not in force as it is; tokens NULL: there is none. */
void shape_tokens_error(JsonWriter *writer, const TokenFile *tokens);

void shape_time(JsonWriter *writer, const char *name, int64_t wall_ms);         /* 0: null */
void shape_seconds(JsonWriter *writer, const char *name, int64_t milliseconds); /* negative: null */

#endif
