/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of all sendposts and runs. Pure: no I/O, no clock, no randomness, no logging. A turn is: any number
 * of engine_step, then (committed and acted by the shell) engine_turn_end. The structs are open for reading (the API
 * and the metrics show them between turns); only engine/ writes them. */
#ifndef SENDPOST_ENGINE_ENGINE_H
#define SENDPOST_ENGINE_ENGINE_H

#include "base/map.h"
#include "engine/actions.h"
#include "engine/deployments.h"
#include "engine/event.h"
#include "engine/totals.h"
#include "time/instant.h"

typedef struct EngineOptions {
    const char *namespace; /* copied */
    const char *ui_url;    /* copied; for flow_run_url */
    int64_t settle_ms, cancel_grace_ms;
    int64_t started_at; /* wall ms: ticks before it came while no agent ran */
    uint64_t map_seed;
} EngineOptions;

/* The volatile part of a stage; boot times. */
typedef struct Stage {
    StageRecord record;
    bool in_flight; /* a request of its phase is out */
    bool cancel_in_flight;
    int failures;   /* of requests in a row: the back-off */
    int absences;   /* polls in a row that missed the flow run */
    int64_t missed; /* asked_boot_ms of the last of them */
    int64_t due;    /* when time alone makes something due; TIME_NEVER */
    int64_t cancel_due;
    int64_t resume_after;         /* Prefect is asked to resume again only once it was seen paused after this */
    int64_t last_seen;            /* asked_boot_ms of the last answer about its flow run */
    int64_t deadline;             /* of the attempt's timeout, the settle window, the wait or the report; by phase */
    int64_t cancel_force;         /* when CANCELLED is set without asking further */
    int refusal_status;           /* PHASE_SEARCHING: what create_flow_run answered */
    bool resolved_again;          /* observe: nothing was found under the id that was known */
    signed char tainted;          /* upstream failure: -1 not known yet */
    int places_due, places_taken; /* parallel with max_concurrent: see stages.c */
    Failure *failure;             /* PHASE_REPORTING: collected so far; not published before the stage ends */
} Stage;

typedef struct Run {
    RunRecord record;
    Definition *definition;
    struct Sendpost *sendpost;
    Json *parameters;
    Stage *stages;    /* one for each node of the definition; groups carry derived states */
    int64_t due;      /* the earliest of all its times */
    int64_t deadline; /* of its timeout; TIME_NEVER */
    int64_t left_ms;  /* until then, while time stands still */
    size_t timer;     /* its place in the timers */
    bool came_due;    /* its planned start has come, whatever the wall clock says later */
    bool stepping;    /* a step lets ready stages start although it is held */
    bool seen;        /* in the answer that is being taken: it advances at the end of it */
    bool dirty;       /* is in changes.runs */
    bool ended;
} Run;

/* The stages of the current definition, by node: totals, and what the metrics show. */
typedef struct SendpostStage {
    char *path;
    StageTotals totals;
    State state;            /* of the shown run */
    int64_t started_at;     /* while active, else 0 */
    Deployment *deployment; /* of a leaf, once its definition is loaded; NULL before */
    struct Sendpost *sendpost;
    struct SendpostStage *next_naming, **naming; /* among those that name the deployment */
    bool dirty;
} SendpostStage;

typedef struct Sendpost {
    char *name;
    Definition *definition; /* the newest good one */
    char *file, *revision;
    int64_t loaded_at;
    char *error; /* of its file as it is now; NULL: none */
    int error_line, error_column;
    bool retired;
    Run **runs; /* not ended, oldest first: admitted, queued, planned */
    size_t run_count, run_capacity;
    RunRecord *last_run; /* ended last; NULL */
    SendpostTotals totals;
    Exemplar *exemplars; /* by bucket of totals.duration; NULL: no run has completed since the start */
    ScheduleMark *marks; /* by schedule of `definition`; retired: as the journal has them */
    size_t mark_count;
    int64_t next_tick_at;  /* the first that has no verdict yet, wall ms; TIME_NEVER */
    Failure *last_failure; /* while newer than the last success; NULL */
    char last_failure_run[UUID_SIZE];
    SendpostStage *stages; /* by node of `definition` */
    size_t stage_count;
    SendpostStage *former; /* of paths that the definition no longer has */
    size_t former_count;
    uint64_t version; /* grows with each step after which something else may be shown of it; no other has the same */
    bool dirty;
} Sendpost;

typedef struct DefinitionFile {
    char *file, *error; /* error NULL: good */
    int line, column;
    Sendpost *sendpost; /* that it defined last; NULL: none. Another file may define it by now */
    uint64_t version;   /* as that of a sendpost */
} DefinitionFile;

typedef struct Engine Engine;

Engine *engine_new(const EngineOptions *options);
void engine_free(Engine *engine);

/* --- from the journal, before the first step, in this order --- */
void engine_restore_totals(Engine *engine, const AgentTotals *totals, int64_t last_event_id);
/* A sendpost as it was. Arrays, texts and records are taken over; runs may be NULL. It gets its current definition from
 * HAPPENED_LOADED. */
typedef struct SendpostHistory {
    const char *name; /* borrowed */
    SendpostTotals totals;
    SendpostStage *stages; /* by path */
    size_t stage_count;
    ScheduleMark *marks;
    size_t mark_count;
    RunRecord *last_run, *last_failed;
} SendpostHistory;
void engine_restore_sendpost(Engine *engine, const SendpostHistory *history);
/* An unfinished run with its stage records (nodes of `definition` without a record are waiting). Contents are taken
 * over. */
void engine_restore_run(Engine *engine, RunRecord *record, StageRecord *stages, size_t stage_count,
                        Definition *definition);
/* After the files: what none of them defines is shown by what its runs began with. */
void engine_recall(Engine *engine, Now now, Actions *actions);
/* The same; and goes on where the runs stood: asks what has to be asked again. */
void engine_resume(Engine *engine, Now now, Actions *actions);

/* --- turns --- */
void engine_step(Engine *engine, const Happening *happening, Now now, Actions *actions);
void engine_turn_end(Engine *engine); /* frees what ended in this turn */
/* The boot time at which time alone will next make something due (then step HAPPENED_TIME), or TIME_NEVER. Ticks follow
 * the wall clock: ask again now and then, as it may jump. */
int64_t engine_deadline(const Engine *engine, Now now);

/* --- what the shell watches --- */
/* Flow runs to poll, all of them: each_ in no particular order. For (size_t at = 0; engine_watched_each(engine, &at,
 * &id);) */
bool engine_watched_each(const Engine *engine, size_t *at, const char **flow_run_id);
size_t engine_watched_count(const Engine *engine);
/* Whether something was asked or changed since the last call that makes a change of a flow run likely soon. */
bool engine_take_eagerness(Engine *engine);

/* --- views --- */
/* Grows when that of any sendpost or file does, and when one comes or goes. */
uint64_t engine_version(const Engine *engine);
size_t engine_sendpost_count(const Engine *engine);
const Sendpost *engine_sendpost_at(const Engine *engine, size_t index); /* by name; NULL past the end */
const Sendpost *engine_sendpost_find(const Engine *engine, const char *name);
const Run *engine_run_find(const Engine *engine,
                           const char *id); /* unfinished ones, and those that ended in this turn */
const AgentTotals *engine_totals(const Engine *engine);
size_t engine_file_count(const Engine *engine);
const DefinitionFile *engine_file_at(const Engine *engine, size_t index); /* by name */
State sendpost_state(const Sendpost *sendpost);
/* Of a stage's deployment; NULL until Prefect has answered. */
static inline const char *stage_deployment_id(const SendpostStage *stage)
{
    return stage->deployment ? stage->deployment->shown_id : NULL;
}
const Run *sendpost_shown_run(const Sendpost *sendpost); /* the newest admitted one, or NULL */
int64_t sendpost_expected_ms(const Sendpost *sendpost, size_t stage);
int64_t sendpost_next_run_at(const Sendpost *sendpost); /* planned or scheduled, wall ms; 0: none */
/* When the success for the oldest tick since the last one is due: that tick and `deadline`, wall ms. 0: none is due, as
 * it is disabled, has no schedule or no deadline, or has succeeded. */
int64_t sendpost_success_due_at(const Sendpost *sendpost);
int64_t schedule_next_at(const Sendpost *sendpost, size_t schedule); /* its next tick, wall ms; 0: none */
size_t sendpost_queued_count(const Sendpost *sendpost);              /* accepted and waiting for another to end */
size_t sendpost_active_count(const Sendpost *sendpost);              /* admitted */

#endif
