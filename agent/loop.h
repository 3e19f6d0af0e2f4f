/* SPDX-License-Identifier: Apache-2.0 */
/* The running agent: one thread, one loop, one wait. Each turn collects what happened, steps the engine, commits once,
 * and only then acts. A commit that fails is a crash inside the process: the turn is dropped, its commands are answered
 * 503, and the engine is built again from the journal, for reading at once, for working when a probe commit succeeds.
 */
#ifndef SENDPOST_LOOP_H
#define SENDPOST_LOOP_H

#include "api/server.h"
#include "catalogue/catalogue.h"
#include "configuration/configuration.h"
#include "engine/engine.h"
#include "journal/backup.h"
#include "metrics/statistics.h"
#include "prefect/client.h"
#include "references/watch.h"

/* A client that waits until what a scan finds is in force. */
typedef struct Reload {
    uint64_t token, number; /* of the reply, of the scan */
} Reload;

typedef struct Loop {
    const Configuration *configuration;
    char *namespace;
    TokenFile *tokens; /* NULL: none are needed */
    Catalogue *catalogue;
    Journal *journal;
    Engine *engine;
    PrefectClient *prefect;
    ReferenceWatch *references;
    Inventory *inventory; /* NULL: it is not enabled */
    Server *server;
    Actions actions;
    LoopStatistics statistics;
    int signals;   /* a signalfd */
    bool writable; /* the journal: while not, nothing is stepped */
    bool stopping;
    bool broken;          /* the journal, for good: the process ends, and its next start sees what there is */
    bool happened;        /* something was stepped in this turn */
    TextList triggers;    /* sendposts of which runs were to start in this turn: refused, should its commit fail */
    TextList unavailable; /* refused because of the journal: counted in it when it can be written again */
    int64_t started_at;   /* wall ms */
    int64_t stop_by;      /* boot ms, here and below */
    int64_t probe_due, retain_due, audit_due, watchdog_due;
    int64_t woken_for; /* what the last wait would have ended for */
    Backup *backup;    /* that is being made; NULL: none */
    uint64_t backup_token;
    int leftover; /* the descriptor of a backup that is over; -1: none */
    Reload *reloads;
    size_t reload_count, reload_capacity;
    char *said_error, *said_notices[CATALOGUE_NOTICES], *said_revision; /* logged last */
    char *said_tokens, *said_exposed;
    uint64_t zones_renewed;
} Loop;

/* startup.c: opens everything; the definitions are loaded, the runs of before go on with the first turn. */
bool loop_open(Loop *loop, const Configuration *configuration, Error *error);
void loop_close(Loop *loop);
/* A new engine from the journal and the catalogue. False: the journal cannot be read; the old one stays. */
bool loop_rebuild(Loop *loop, Now now, Error *error);

/* reload.c: steps all that the catalogue has to tell. */
void loop_take_definitions(Loop *loop, Now now);
/* A slice of looking at the definitions, or some of what was found. */
void loop_collect_definitions(Loop *loop, Now now);
void loop_collect_reloads(Loop *loop, Now now);
/* Whether the tokens changed; `at_once`: somebody asked for it. */
void loop_look_at_tokens(Loop *loop, Now now, bool at_once);
/* After the commit: what was found is in force; tells those who wait for it. */
void loop_settle_definitions(Loop *loop, Now now);

/* backups.c: a slice of the copy that a client waits for. */
void loop_back_up(Loop *loop, Now now);

/* inventory_turn.c: Prefect as a whole, for the metrics. */
#define LOOP_INVENTORY_TOKEN (UINT64_MAX - 1) /* of its questions */
bool loop_open_inventory(Loop *loop, Error *error);
void loop_take_inventory(Loop *loop, const PrefectFetched *fetched, Now now);
void loop_turn_inventory(Loop *loop, Now now);

/* loop.c: runs until SIGTERM or SIGINT; finishes what is in flight within 10 s. False: it had to end on its own. */
bool loop_run(Loop *loop);
/* Commits what was stepped and acts on it. */
void loop_turn(Loop *loop, Now now);
/* The turn is dropped; the engine is what the journal says. */
void loop_commit_failed(Loop *loop, Now now, const Error *error);

#endif
