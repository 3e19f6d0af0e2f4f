/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of one turn want done. The shell first commits `changes` in one transaction, and only then sends the
 * requests and replies. Pointers are borrowed from the engine and valid until engine_turn_end. */
#ifndef SENDPOST_ENGINE_ACTIONS_H
#define SENDPOST_ENGINE_ACTIONS_H

#include "definitions/parameters.h"
#include "engine/flow_run.h"
#include "engine/records.h"

typedef enum ReplyKind {
    REPLY_ACCEPTED,         /* 202, run_id */
    REPLY_REPEATED,         /* 200, run_id: the same key came before */
    REPLY_KEY_REUSED,       /* 422: with another body */
    REPLY_UNKNOWN_SENDPOST, /* 404 */
    REPLY_UNKNOWN_RUN,      /* 404 */
    REPLY_RUNNING,          /* 409, active_run in run_id */
    REPLY_DISABLED,         /* 409 */
    REPLY_STATE,            /* 409, state: the verb does not fit it */
    REPLY_SEVERAL,          /* 409, detail names the stages that wait */
    REPLY_RETRIED,          /* 409, retried_by in run_id */
    REPLY_UNKNOWN_STAGE,    /* 422 */
    REPLY_PARAMETERS,       /* 422, faults */
    REPLY_QUEUE_FULL,       /* 503 */
    REPLIES
} ReplyKind;

typedef struct Reply {
    uint64_t token;
    ReplyKind kind;
    char run_id[UUID_SIZE];
    State state;
    char *detail; /* may be NULL; of 404 and 409 about a sendpost: its name */
    ParameterFaults faults;
} Reply;

struct Run;
struct Sendpost;

/* What one RequestKey stands for. */
typedef struct KeyRecord {
    char *scope, *key, *digest;
    char run_id[UUID_SIZE];
    int64_t at;
} KeyRecord;

/* A definition to be kept: its text by digest, and as the last good one of its file. */
typedef struct DefinitionChange {
    Definition *definition; /* a reference; NULL: the file is gone */
    char *file, *revision;
} DefinitionChange;

/* A tick's verdict: the number-th of its sendpost, from 1. */
typedef struct TickRecord {
    const char *sendpost;
    uint64_t number;
    int64_t at;
    Verdict verdict;
    char run_id[UUID_SIZE]; /* "": none was started */
} TickRecord;

/* The one thing that changes of a run that has ended. */
typedef struct RetryRecord {
    char run_id[UUID_SIZE], retried_by[UUID_SIZE];
} RetryRecord;

typedef struct Changes {
    struct Run **runs; /* those with dirty records */
    size_t run_count, run_capacity;
    struct Sendpost **sendposts; /* those with dirty totals */
    size_t sendpost_count, sendpost_capacity;
    EventRecord *events;
    size_t event_count, event_capacity;
    TickRecord *ticks;
    size_t tick_count, tick_capacity;
    RetryRecord *retries;
    size_t retry_count, retry_capacity;
    KeyRecord *keys;
    size_t key_count, key_capacity;
    DefinitionChange *definitions;
    size_t definition_count, definition_capacity;
    bool totals; /* AgentTotals */
} Changes;

typedef struct Actions {
    Changes changes;
    Request *requests;
    size_t request_count, request_capacity;
    Reply *replies;
    size_t reply_count, reply_capacity;
} Actions;

void actions_clear(Actions *actions); /* for the next turn; keeps the memory of the lists */
void actions_release(Actions *actions);
bool changes_empty(const Changes *changes);

#endif
