/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/schema.h"

const char *const schema_migrations[SCHEMA_VERSION] = {
    "CREATE TABLE definition(sha256 TEXT PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE definition_file(file TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE run(id TEXT PRIMARY KEY, sendpost TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,"
    " trigger TEXT NOT NULL, for_at INTEGER, start_at INTEGER, created_at INTEGER, started_at INTEGER, ended_at "
    "INTEGER,"
    " duration_ms INTEGER, first_running_at INTEGER, parameters TEXT, triggered_by TEXT, trigger_reason TEXT,"
    " definition_sha256 TEXT NOT NULL, revision TEXT, retry_of TEXT, retried_by TEXT, from_stage TEXT, admitted "
    "INTEGER,"
    " held INTEGER, cut TEXT NOT NULL, held_since INTEGER, held_ms INTEGER) WITHOUT ROWID;"
    "CREATE INDEX run_created ON run(created_at, id);"
    "CREATE INDEX run_of_sendpost ON run(sendpost, created_at, id);"
    "CREATE INDEX run_unfinished ON run(created_at, id) WHERE ended_at = 0;"
    "CREATE INDEX run_ended ON run(ended_at) WHERE ended_at > 0;"
    "CREATE TABLE failure(run TEXT PRIMARY KEY, stage TEXT, reason TEXT NOT NULL, message TEXT, task_name TEXT,"
    " task_message TEXT, logs TEXT, flow_run_id TEXT, flow_run_url TEXT) WITHOUT ROWID;"
    "CREATE TABLE stage(run TEXT, node INTEGER, phase TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,"
    " message TEXT, cut TEXT NOT NULL, blocked INTEGER, taken_over INTEGER, deployment_id TEXT, deployment_name TEXT,"
    " parameters TEXT, started_at INTEGER, ended_at INTEGER, retry_at INTEGER, PRIMARY KEY(run, node)) WITHOUT ROWID;"
    "CREATE TABLE attempt(run TEXT, node INTEGER, number INTEGER, state TEXT NOT NULL, reason TEXT NOT NULL, message "
    "TEXT,"
    " deployment_id TEXT, idempotency_key TEXT, body TEXT, flow_run_id TEXT, flow_run_name TEXT, adopted INTEGER,"
    " prefect_type TEXT NOT NULL, prefect_name TEXT, prefect_message TEXT, prefect_timestamp INTEGER, intent_at "
    "INTEGER,"
    " created_at INTEGER, started_at INTEGER, ended_at INTEGER, crash_seen_at INTEGER, end_seen_at INTEGER,"
    " cancel_sent_at INTEGER, PRIMARY KEY(run, node, number)) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, type TEXT NOT NULL, at INTEGER, sendpost TEXT, run TEXT, stage TEXT,"
    " from_state TEXT, to_state TEXT, reason TEXT, detail TEXT);"
    "CREATE TABLE totals(kind TEXT, name TEXT, path TEXT, numbers TEXT NOT NULL, PRIMARY KEY(kind, name, path)) "
    "WITHOUT ROWID;"
    "CREATE TABLE request_key(sendpost TEXT, key TEXT, digest TEXT, run TEXT, at INTEGER, PRIMARY KEY(sendpost, key))"
    " WITHOUT ROWID;"
    "CREATE INDEX request_key_age ON request_key(at);"
    "CREATE TABLE audit(at INTEGER, who TEXT, what TEXT, run TEXT, status INTEGER);"
    "CREATE INDEX audit_age ON audit(at);"
    "CREATE TABLE probe(id INTEGER PRIMARY KEY, at INTEGER);",
    "ALTER TABLE run ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;"
    /* slot: the number of the tick modulo TICKS_KEPT, so that a new one takes the place of the oldest */
    "CREATE TABLE tick(sendpost TEXT, slot INTEGER, at INTEGER, verdict TEXT NOT NULL, run TEXT,"
    " PRIMARY KEY(sendpost, slot)) WITHOUT ROWID;",
    /* What has ended changes no more: these are written once for each run, and cost its trigger nothing. */
    "CREATE INDEX run_of_definition ON run(definition_sha256) WHERE ended_at > 0;",
    "CREATE INDEX run_ended_in ON run(state, created_at, id) WHERE ended_at > 0;"
    "CREATE INDEX run_of_sendpost_ended_in ON run(sendpost, state, created_at, id) WHERE ended_at > 0;"
    "CREATE INDEX definition_file_of ON definition_file(sha256);",
    "ALTER TABLE definition_file ADD COLUMN revision TEXT;",
    ("ALTER TABLE stage ADD COLUMN former_flow_run TEXT;"
     "ALTER TABLE attempt ADD COLUMN resume_of INTEGER NOT NULL DEFAULT 0;"),
    ("ALTER TABLE run ADD COLUMN first_event INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;"
     "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"),
    ("CREATE TABLE inventory_tail(tail TEXT PRIMARY KEY, begin INTEGER, cursor INTEGER) WITHOUT ROWID;"
     "CREATE TABLE inventory_seen(tail TEXT, flow_run TEXT, ended_at INTEGER, PRIMARY KEY(tail, flow_run)) WITHOUT "
     "ROWID;"
     "CREATE TABLE inventory_totals(deployment TEXT PRIMARY KEY, numbers TEXT NOT NULL) WITHOUT ROWID;"),
};
