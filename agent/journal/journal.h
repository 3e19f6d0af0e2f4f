/* SPDX-License-Identifier: Apache-2.0 */
/* The only durable state: one SQLite database (WAL, synchronous=FULL, one connection, one process by lock). */
#ifndef SENDPOST_JOURNAL_JOURNAL_H
#define SENDPOST_JOURNAL_JOURNAL_H

#include "base/error.h"
#include "engine/engine.h"
#include "inventory/inventory.h"

typedef struct Journal Journal;

/* What opening found; the caller tells. */
typedef struct JournalFindings {
    char *quarantined; /* the new name of a damaged file; free it. NULL: it was sound */
    bool wal_missing;  /* the last process did not close the journal, and its -wal is gone: what was newest is lost */
} JournalFindings;

/* Opens or creates path (and its directory): lock (<path>.lock, holds the pid; a second agent: ERROR_CONFLICT naming
 * it), quick_check, migrations (a newer version is refused). A damaged file is moved aside with its -wal and -shm as
 * <path>.damaged-<time>, and a fresh one is opened. */
Journal *journal_open(const char *path, Now now, JournalFindings *findings, Error *error);
void journal_close(Journal *journal);

/* The namespace: `given` ("": none), else the one that the journal holds, which a backup takes along, else the one
 * beside it (<path>.namespace), else `fresh`; kept in both places from then on. New memory; NULL on failure. */
char *journal_namespace(Journal *journal, const char *given, const char *fresh, Error *error);
/* A copy of it was taken away as a whole: see backup.h. */
bool journal_backed_up(Journal *journal, int64_t at, Error *error);

/* One transaction: all of the changes or nothing. On failure the caller drops the turn. ERROR_IO: a full or failing
 * disk, try again later. ERROR_DAMAGED, ERROR_LOST: the process must end, and its next start looks at what there is. */
bool journal_commit(Journal *journal, const Changes *changes, const AgentTotals *totals, Error *error);
/* Whether a transaction works now: writes one and commits it. */
bool journal_probe(Journal *journal, Error *error);

/* Fills a new engine: totals, sendposts, unfinished runs. A run whose pinned text no longer reads is reported to
 * `problem` and left out. definition_find gives (a reference to) the definition with that digest, reading `text` when
 * it has none. */
typedef struct JournalReader {
    Definition *(*definition_read)(void *user, const char *sha256, const char *text, size_t length);
    void (*problem)(void *user, const char *run_id, const char *message);
    void *user;
} JournalReader;
bool journal_restore(Journal *journal, Engine *engine, const JournalReader *reader, Error *error);

/* What has ended in Prefect: written in one transaction, errors as of journal_commit; read before the first question.
 */
bool journal_put_inventory(Journal *journal, const InventoryChange *change, Error *error);
bool journal_restore_inventory(Journal *journal, Inventory *inventory, Error *error);

/* The last good text of each file, and the revision that it came with; NULL: not known. */
typedef bool JournalFileVisitor(void *user, const char *file, const char *revision, const char *text, size_t length);
bool journal_each_file(Journal *journal, JournalFileVisitor *visit, void *user, Error *error);

/* What a trigger's (or, by its scope, a verb's) key stands for, if it is younger than REQUEST_KEY_HOURS. False: nothing
 * (or an error is set). */
bool journal_find_key(Journal *journal, const char *sendpost, const char *key, int64_t now_ms, char run_id[UUID_SIZE],
                      char digest[DIGEST_HEX_SIZE], Error *error);

/* One run with all its stages; false with ERROR_NOT_FOUND. The caller releases. definition_text takes its pinned text.
 */
bool journal_load_run(Journal *journal, const char *id, RunRecord *run, StageRecord **stages, size_t *stage_count,
                      char **definition_text, size_t *definition_length, Error *error);

/* Newest first (created_at, id): summaries only. */
typedef struct RunQuery {
    const char *sendpost;       /* NULL: all */
    const char *states[STATES]; /* names of state.h */
    size_t state_count;         /* 0: all */
    int64_t since_ms;           /* created at or after; 0: all */
    int64_t before_created_at;  /* with before_id: strictly after this place in the order; 0: from the start */
    const char *before_id;
    size_t limit;
} RunQuery;
bool journal_list_runs(Journal *journal, const RunQuery *query, RunRecord **runs, size_t *count, Error *error);

/* The newest ticks of a sendpost, newest first: at most `limit` into `ticks` (their `sendpost` and `number` are not
 * set). */
bool journal_list_ticks(Journal *journal, const char *sendpost, TickRecord *ticks, size_t limit, size_t *count,
                        Error *error);

/* Whether there is an event with that id, and the id of the newest one (0: there was none yet). */
bool journal_find_event(Journal *journal, int64_t id, bool *found, int64_t *newest, Error *error);
/* The events after *after, oldest first, at most `limit`, until `visit` says false. *after follows: it is the id of the
 * last one that was looked at. The event's texts are valid during the visit. */
typedef bool JournalEventVisitor(void *user, const EventRecord *event);
bool journal_each_event(Journal *journal, int64_t *after, size_t limit, JournalEventVisitor *visit, void *user,
                        Error *error);

/* An audit record: who did what. Written with the next commit. */
void journal_audit(Journal *journal, int64_t at, const char *who, const char *what, const char *run_id, int status);
/* The revision of the definitions that was wholly in force last; NULL: none ever was. Written with the next commit. */
const char *journal_applied(const Journal *journal);
void journal_set_applied(Journal *journal, const char *revision);
/* Whether any of these waits for the next commit. */
bool journal_pending(const Journal *journal);

/* Deletes up to RETENTION_RUNS ended runs, and RETENTION_ROWS each of events, keys and audit records, that are older;
 * sets *more when there are more. */
bool journal_retain(Journal *journal, int64_t ended_before_ms, int64_t keys_before_ms, bool *more, Error *error);

/* For the metrics: read without touching the disk. */
typedef struct JournalStatistics {
    bool writable;            /* the last commit worked */
    int64_t quarantined_at;   /* wall ms: of the newest damaged journal that lies beside this one; 0: there is none */
    int64_t backed_up_at;     /* wall ms: of the newest copy that was taken away; 0: none */
    size_t runs_held;         /* left out of the last restore, */
    char run_held[UUID_SIZE]; /* of which this is the oldest */
    int64_t size_bytes;
    uint64_t commits;
    uint64_t commit_duration_counts[11]; /* within journal_commit_bounds, the last +Inf */
    double commit_duration_sum;
} JournalStatistics;
extern const double journal_commit_bounds[10]; /* seconds */
const JournalStatistics *journal_statistics(const Journal *journal);

#endif
