/* SPDX-License-Identifier: Apache-2.0 */
/* What happened: the only way into the engine. The sender owns what an event points to; the engine copies (or holds)
 * what it keeps. Exactly one answer comes for every request, though perhaps never after a crash, and perhaps twice. */
#ifndef SENDPOST_ENGINE_EVENT_H
#define SENDPOST_ENGINE_EVENT_H

#include "definitions/definition.h"
#include "engine/flow_run.h"
#include "engine/records.h"

typedef enum HappeningKind {
    HAPPENED_TIME,        /* nothing but time */
    HAPPENED_LOADED,      /* a definition was loaded from a file */
    HAPPENED_BROKEN,      /* a file cannot be read as a definition */
    HAPPENED_GONE,        /* a file is no longer there */
    HAPPENED_ZONES,       /* time zones that definitions borrow have new data, since the step before */
    HAPPENED_TRIGGER,     /* somebody asks for a run */
    HAPPENED_UNAVAILABLE, /* such a trigger was answered 503, as the journal could not be written: only counted */
    HAPPENED_CANCEL,      /* an operator's verbs */
    HAPPENED_PAUSE,
    HAPPENED_RESUME,
    HAPPENED_BLOCK,
    HAPPENED_STEP,
    HAPPENED_RETRY,
    HAPPENED_RESOLVED, /* answers of Prefect */
    HAPPENED_CREATED,
    HAPPENED_SEARCHED,
    HAPPENED_LOOKED,
    HAPPENED_CANCEL_ANSWERED,
    HAPPENED_RESUME_ANSWERED,
    HAPPENED_ASKED,
    HAPPENED_REPORTED,
    HAPPENED_POLLED,
    HAPPENED_REACHABLE, /* Prefect answers again */
    HAPPENED_UNREACHABLE,
    HAPPENINGS
} HappeningKind;

typedef enum Outcome {
    OUTCOME_OK,
    OUTCOME_NOT_FOUND, /* 404 */
    OUTCOME_REFUSED,   /* another 4xx that decides: 400, 409, 413, 422, ... */
    OUTCOME_FOREIGN,   /* the answer belongs to another deployment or key */
    OUTCOME_UNKNOWN,   /* nothing is decided: no answer, 401, 403, 408, 425, 429, 5xx, a body that makes no sense */
} Outcome;

typedef struct FileEvent {
    const char *file; /* relative to the directory */
    const char *revision;
    Definition *definition; /* LOADED: now in force; GONE: the last good one, or NULL when it is not known */
    const char *message;    /* BROKEN */
    int line, column;
    bool kept; /* LOADED: the journal has it so already */
} FileEvent;

/* What makes a request the same as an earlier one: a client's idempotency key, or the signature of a webhook. */
typedef struct RequestKey {
    const char *scope, *key;   /* what it belongs to, and its text */
    const char *digest;        /* of the canonical body that it came with */
    char known_run[UUID_SIZE]; /* what the journal has under it: its run and digest; empty: nothing */
    char known_digest[DIGEST_HEX_SIZE];
} RequestKey;

typedef struct TriggerEvent {
    uint64_t token; /* of the reply */
    const char *sendpost;
    const char *run_id; /* for the new run */
    Trigger trigger;
    const Json *parameters;                   /* object or NULL */
    const char *triggered_by, *reason, *from; /* may be NULL */
    int64_t for_at, start_at;                 /* 0: now */
    bool paused;
    const RequestKey *keys; /* the first one that is known decides; those before it then stand for the same run */
    size_t key_count;
} TriggerEvent;

struct Run;

typedef struct VerbEvent {
    uint64_t token;
    const char *run_id;
    const struct Run *ended; /* the run as the journal has it, when the engine does not have it; NULL: nobody has it */
    const char *stage;       /* path; RESUME, BLOCK */
    const char *by;
    const char *new_run_id; /* RETRY: of the run that is to be made */
    const char *from;       /* RETRY: path, may be NULL */
    bool current;           /* RETRY: by today's definition */
    const RequestKey *keys; /* as of a trigger */
    size_t key_count;
} VerbEvent;

typedef struct Report {
    const char *task_name, *task_message; /* NULL: none found yet */
    const char *logs;                     /* JSON array */
    bool complete;                        /* asking again would add nothing */
} Report;

typedef struct AnswerEvent {
    const char *run_id; /* as in the request */
    int node, attempt;
    Outcome outcome;
    int status;                                              /* HTTP, 0 when there was none */
    const char *message;                                     /* why, when not OK; for people */
    const char *reference, *deployment_id, *deployment_name; /* RESOLVED */
    bool existing;                                           /* CREATED: it was there already */
    int64_t asked_boot_ms;                                   /* when the request was sent */
    FlowRun *flow_runs; /* CREATED, SEARCHED, ASKED: 0 or 1; LOOKED, POLLED: any number */
    size_t flow_run_count;
    const char *const *absent; /* POLLED: asked for, but not in a whole answer */
    size_t absent_count;
    PrefectType type; /* CANCEL_ANSWERED with OUTCOME_OK: the state after it */
    Report report;    /* REPORTED */
} AnswerEvent;

typedef struct Happening {
    HappeningKind kind;
    union {
        FileEvent file;
        TriggerEvent trigger;
        VerbEvent verb;
        AnswerEvent answer;
    };
} Happening;

#endif
