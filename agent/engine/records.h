/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of runs: the engine's own state and the journal's rows are these same structs. Times are wall
 * milliseconds, 0 = not (yet). Texts are owned and may be NULL unless said otherwise. */
#ifndef SENDPOST_ENGINE_RECORDS_H
#define SENDPOST_ENGINE_RECORDS_H

#include "base/digest.h"
#include "base/uuid.h"
#include "engine/state.h"
#include <stddef.h>
#include <stdint.h>

/* Why a run or stage is being stopped before its natural end. */
typedef enum Cut { CUT_NONE, CUT_OPERATOR, CUT_REPLACED, CUT_RUN_TIMEOUT, CUT_SIBLING, CUT_STAGE_TIMEOUT, CUTS } Cut;

/* Where a stage stands within itself; durable, so that a restart goes on exactly there. */
typedef enum Phase {
    PHASE_WAITING,   /* for what it comes after */
    PHASE_BLOCKED,   /* held by an operator */
    PHASE_ASKING,    /* a retry: has the flow run of the run before been completed since? */
    PHASE_RESOLVING, /* its deployment's id is being asked */
    PHASE_CREATING,  /* the intent is durable; create_flow_run is sent until it is answered */
    PHASE_SEARCHING, /* creation was refused: is there a flow run with our key all the same? */
    PHASE_LOOKING,   /* observe: which flow run decides? */
    PHASE_WATCHING,  /* the flow run is known and followed */
    PHASE_REPORTING, /* it ended badly; the failure report is being collected */
    PHASE_DELAYING,  /* until the next attempt */
    PHASE_ENDED,
    PHASES
} Phase;

/* One try of a `run` stage, or the flow run that an `observe` stage follows. */
typedef struct AttemptRecord {
    int number; /* from 1 */
    State state;
    Reason reason;
    char *message;
    char *deployment_id;
    char *key, *body; /* frozen with the intent; NULL when observed */
    char *flow_run_id, *flow_run_name;
    bool adopted;
    PrefectType prefect_type; /* with a flow run: as last seen */
    char *prefect_name, *prefect_message;
    int64_t prefect_timestamp;
    int64_t intent_at, created_at, started_at, ended_at; /* created, started, ended: Prefect's where it has them */
    int64_t crash_seen_at;                               /* CRASHED was first seen: the settle window runs from here */
    int64_t end_seen_at;                                 /* a bad end was believed: the report is due 10 s later */
    int64_t cancel_sent_at; /* Prefect was told to cancel, by whomever: the grace runs from here */
    int64_t resume_of;      /* Prefect is to resume the pause that began then (its timestamp) */
    bool dirty;             /* to be written in this turn */
} AttemptRecord;

typedef struct StageRecord {
    int node; /* of the run's definition */
    Phase phase;
    State state;
    Reason reason;
    char *message;
    Cut cut;
    bool blocked;    /* it will wait for (or waits for) an operator */
    bool taken_over; /* completed by the run that this one retries, or before `from`: it does not run here */
    char *deployment_id, *deployment_name;
    char *parameters;      /* JSON as sent; NULL before */
    char *former_flow_run; /* of this stage in the run that is retried: asked for before a fresh one is created */
    int64_t started_at, ended_at;
    int64_t retry_at;        /* PHASE_DELAYING: when the next attempt is due; observe: when its `wait` is over */
    AttemptRecord *attempts; /* oldest first */
    size_t attempt_count;
    bool dirty;
} StageRecord;

/* Complete, or 10 s old, before anybody sees it; never changed afterwards. */
typedef struct Failure {
    char *stage; /* path */
    Reason reason;
    char *message;
    char *task_name, *task_message; /* NULL: unknown. The name is without Prefect's dynamic suffix */
    char *logs;                     /* JSON array of {timestamp, level, message}; never NULL */
    char *flow_run_id, *flow_run_url;
} Failure;

typedef struct RunRecord {
    char id[UUID_SIZE];
    char *sendpost; /* never NULL */
    State state;
    Reason reason;
    Trigger trigger;
    int64_t for_at, start_at, created_at, started_at, ended_at;
    int64_t duration_ms; /* first start to last end, once ended */
    int64_t first_running_at;
    char *parameters; /* JSON object, resolved; never NULL */
    char *triggered_by, *trigger_reason;
    char definition_sha256[DIGEST_HEX_SIZE];
    char *revision;
    char retry_of[UUID_SIZE], retried_by[UUID_SIZE]; /* "" = none */
    char *from;                                      /* stage path; NULL: from the start */
    bool admitted;                                   /* passed the concurrency rule; before: planned or queued */
    bool waits; /* queued behind others whatever `concurrency` says: a tick that is caught up */
    bool held;
    Cut cut;
    int64_t held_since;              /* time has been standing still since; 0: it runs */
    int64_t held_ms;                 /* what counts in no timeout, up to held_since */
    int64_t first_event, last_event; /* ids between which those about it lie; 0: not known, not ended */
    Failure *failure;                /* the first one; published only with the end of its stage */
    bool dirty;
} RunRecord;

typedef enum EventType {
    EVENT_RUN_CREATED,
    EVENT_RUN_STATE,
    EVENT_STAGE_STATE,
    EVENT_DEFINITION_LOADED,
    EVENT_DEFINITION_BROKEN,
    EVENT_DEFINITION_RETIRED,
    EVENT_PREFECT_REACHABLE,
    EVENT_PREFECT_UNREACHABLE,
    EVENT_TYPES
} EventType;
extern const char *const event_type_names[EVENT_TYPES]; /* "run.created", ... */

/* A line of the history that the API replays. Texts are owned; from/to/reason may be NULL. */
typedef struct EventRecord {
    int64_t id; /* grows, survives restarts */
    EventType type;
    int64_t at;
    char *sendpost, *run, *stage;
    const char *from, *to, *reason; /* names from state.h */
    char *detail;                   /* definition.broken: the message */
} EventRecord;

void attempt_record_release(AttemptRecord *attempt);
AttemptRecord attempt_record_copy(const AttemptRecord *from); /* deep, and not dirty */
void stage_record_release(StageRecord *stage);
void run_record_release(RunRecord *run);
void event_record_release(EventRecord *event);
void failure_free(Failure *failure);
Failure *failure_copy(const Failure *failure);
/* A deep copy of everything. */
void run_record_copy(RunRecord *to, const RunRecord *from);

#endif
