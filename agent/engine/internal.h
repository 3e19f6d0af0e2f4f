/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of engine/ share among themselves; nobody else includes it. */
#ifndef SENDPOST_ENGINE_INTERNAL_H
#define SENDPOST_ENGINE_INTERNAL_H

#include "engine/deployments.h"
#include "engine/engine.h"
#include "engine/timers.h"
#include "engine/watches.h"

struct Engine {
    char *namespace, *ui_url;
    int64_t settle_ms, cancel_grace_ms;
    Map *by_name;         /* every Sendpost ever loaded */
    Sendpost **sendposts; /* those that are shown: configured, or with runs; by name */
    size_t sendpost_count, sendpost_capacity;
    Map *runs; /* unfinished, by id; and those that ended in this turn */
    Timers timers;
    Watches watches;
    Deployments deployments;
    DefinitionFile *files;
    size_t file_count, file_capacity;
    Run **ended; /* in this turn */
    size_t ended_count, ended_capacity;
    AgentTotals totals;
    int64_t started_at;
    int64_t next_tick_at; /* of any sendpost, or before it; wall ms */
    int64_t clock_offset; /* wall less boot time, when time was looked at last; 0: never */
    int64_t last_event_id;
    uint64_t version;
    bool eager;
};

/* One step's surroundings. */
typedef struct Turn {
    Engine *engine;
    Now now;
    Actions *actions;
} Turn;

enum {
    CLOCK_SET_MS = 1000,    /* clocks that part by less are left alone */
    REPORT_WAIT_MS = 10000, /* a failure report is published when it is complete or this old */
    REPORT_AGAIN_MS = 2000,
    LOOK_AGAIN_MS = 5000,
    CANCEL_AGAIN_MS = 5000,
    BACK_OFF_MIN_MS = 1000,
    BACK_OFF_MAX_MS = 30000,
    ABSENCES_UNTIL_LOST = 2,
};

/* turn.c: what a step leaves behind */
void turn_touch_run(Turn *turn, Run *run);
void turn_touch_sendpost(Turn *turn, Sendpost *sendpost);
void turn_event(Turn *turn, EventType type, const Run *run, const char *stage, State from, State to, Reason reason);
void turn_file_event(Turn *turn, EventType type, const char *sendpost, const char *detail);
Request *turn_request(Turn *turn, RequestKind kind, const Run *run, int node);
/* The keys of a command, and whether one of them came before (known_run, or in this very turn): then it is answered.
 * The first that did decides; those before it then stand for the same run. */
void turn_remember_keys(Turn *turn, const RequestKey *keys, size_t count, const char *run_id);
bool turn_reply_known(Turn *turn, uint64_t token, const RequestKey *keys, size_t count);
void turn_reply(Turn *turn, uint64_t token, ReplyKind kind, Reply *said); /* takes what `said` owns */
void turn_tick(Turn *turn, Sendpost *sendpost, int64_t at, Verdict verdict, const char *run_id);
/* A run that has ended is retried by a new one; and by which one it was, in this very turn too (NULL: none). */
void turn_retry(Turn *turn, const char *run_id, const char *retried_by);
const char *turn_retried_by(const Turn *turn, const RunRecord *record);
int64_t back_off_ms(int failures);
/* Boot time at which `duration_ms` are over since the wall time `anchor`; clocks that jumped cannot make it longer than
 * the duration or shorter than nothing. */
int64_t deadline_since(Now now, int64_t anchor, int64_t duration_ms);

/* sendposts.c */
void stage_names_deployment(Engine *engine, Sendpost *sendpost, SendpostStage *stage, Deployment *deployment);
void sendpost_changed(Engine *engine, Sendpost *sendpost); /* what is shown of it, or may be */
Sendpost *sendpost_of(Engine *engine, const char *name);   /* finds or makes one that is not shown */
void sendpost_show(Engine *engine, Sendpost *sendpost);
void sendpost_hide_if_retired(Engine *engine, Sendpost *sendpost);
void sendpost_recall(Turn *turn, Sendpost *sendpost);
void sendpost_free(Sendpost *sendpost);
SendpostStage *sendpost_stage_of(Sendpost *sendpost, const Run *run,
                                 int node); /* NULL: its path is no longer defined */
void sendpost_stage_show(Run *run, int node);
void file_happened(Turn *turn, const Happening *happening);

/* transitions.c: the only writers of states */
void run_set_state(Turn *turn, Run *run, State to, Reason reason);
void stage_set_state(Turn *turn, Run *run, int node, State to, Reason reason);
void stage_set_phase(Turn *turn, Run *run, int node, Phase to);
void stage_touch(Turn *turn, Run *run, int node);

/* admission.c: triggers, plans, queues */
void trigger_happened(Turn *turn, const TriggerEvent *trigger);
void unavailable_happened(Turn *turn, const TriggerEvent *trigger);
void run_judge(Turn *turn, Run *run); /* an unadmitted run: start, wait or skip */
void sendpost_admit_next(Turn *turn, Sendpost *sendpost);
/* A new run in the place of one that has ended. `reply` takes what is to be said beside the kind. */
ReplyKind run_retry(Turn *turn, const Run *old, const VerbEvent *verb, Reply *reply);
void planned_runs_move(Turn *turn); /* the wall clock was set, zones have new data */
/* For a schedule: false when it may not start now. waits: behind what runs already. */
bool scheduled_start(Turn *turn, Sendpost *sendpost, const TriggerEvent *trigger, bool waits);

/* ticks.c */
void ticks_happened(Turn *turn); /* judges what is due, a bounded number at a time */
/* Around a change of the definition: first what is due gets its verdict, then the schedules of the new one count. */
void ticks_settle(Turn *turn, Sendpost *sendpost);
void ticks_schedule(Turn *turn, Sendpost *sendpost);
void ticks_stop(Turn *turn, Sendpost *sendpost); /* it is retired */
void ticks_replan(Turn *turn);                   /* the wall clock was set, zones have new data */

/* runs.c */
void run_free(Run *run);
void run_attach(Engine *engine, Run *run); /* to its sendpost, the index and the timers */
void run_admit(Turn *turn, Run *run);
void run_advance(Turn *turn, Run *run);
void run_cut(Turn *turn, Run *run, Cut cut);
void run_cut_spared(Turn *turn, Run *run); /* an operator: what runs `always`, too, where it has begun */
void run_finish(Turn *turn, Run *run, State state, Reason reason);
void run_held_clock(Turn *turn, Run *run);
Run *run_of(const Engine *engine, const char *id);

/* stages.c */
void places_count(Run *run);                        /* before each round of stage_advance */
bool stage_advance(Turn *turn, Run *run, int node); /* whether it went on */
void stage_finish(Turn *turn, Run *run, int node, State state, Reason reason, const char *message);
void stages_skip(Turn *turn, Run *run); /* all: the run never began */
void stage_cut(Turn *turn, Run *run, int node, Cut cut);
bool stage_is_stopped(const Run *run, int node); /* for good: no further flow run may begin in it */
void stage_finish_cut(Turn *turn, Run *run, int node);
AttemptRecord *stage_attempt(const Stage *stage); /* the last one, or NULL */
bool stage_failed(const Run *run, int node);      /* in a way that counts */
TemplateContext run_context(const Run *run);

/* attempts.c */
bool resolving_advance(Turn *turn, Run *run, int node);
bool creating_advance(Turn *turn, Run *run, int node);
bool searching_advance(Turn *turn, Run *run, int node);
bool delaying_advance(Turn *turn, Run *run, int node);
void stage_reject(Turn *turn, Run *run, int node, const char *message);
void attempt_finish(Turn *turn, Run *run, int node, State state, Reason reason, const char *message);
void resolved_happened(Turn *turn, const AnswerEvent *answer);
void deployments_prefetch(Turn *turn, Sendpost *sendpost); /* asks for what is not known yet, for later */
void created_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer);
void searched_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer);
AttemptRecord *attempt_add(Turn *turn, Run *run, int node);
void request_failed(Turn *turn, Stage *stage); /* nothing is decided: it is sent again after a while */

/* taking_over.c: what a new run need not do, as it is done */
void start_from(Turn *turn, Run *run, int from);
void retry_take_over(Turn *turn, Run *run, const Run *old, int from); /* from < 0: where it failed */
bool asking_advance(Turn *turn, Run *run, int node);
void asked_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer);

/* resuming.c: what Prefect paused by itself */
bool stage_can_resume(const Run *run, int node);
void stage_resume(Turn *turn, Run *run, int node);
void resuming_advance(Turn *turn, Run *run, int node);
void resume_answered(Turn *turn, Run *run, int node, const AnswerEvent *answer);

/* watching.c */
void attempt_see(AttemptRecord *attempt, const FlowRun *flow_run); /* takes Prefect's state and times */
bool watching_advance(Turn *turn, Run *run, int node);
void stage_watch(Turn *turn, Run *run, int node);
void flow_run_seen(Turn *turn, Run *run, int node, const FlowRun *flow_run, int64_t asked_boot_ms);
void polled_happened(Turn *turn, const AnswerEvent *answer);
void cancel_answered(Turn *turn, Run *run, int node, const AnswerEvent *answer);

/* observing.c */
bool looking_advance(Turn *turn, Run *run, int node);
void looked_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer);
void observed_ended_badly(Turn *turn, Run *run, int node);

/* reporting.c */
void reporting_begin(Turn *turn, Run *run, int node);
bool reporting_advance(Turn *turn, Run *run, int node);
void reported_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer);
Failure *failure_of_stage(const Engine *engine, const Run *run, int node);

/* verbs.c */
void verb_happened(Turn *turn, HappeningKind kind, const VerbEvent *verb);

/* accounts.c: totals */
void account_stage_end(Turn *turn, Run *run, int node);
void account_run_end(Turn *turn, Run *run);
void account_first_running(Turn *turn, Run *run, int64_t started_at);
void account_tick(const Turn *turn, Sendpost *sendpost, int64_t at, Verdict verdict);
void account_refusal(Turn *turn, Sendpost *sendpost, Refusal refusal);

/* invariants.c */
void engine_check_run(const Engine *engine, const Run *run);

#endif
