/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"
#include "api/diagnosis.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/version.h"

static const char media_text[] = "text/plain; charset=utf-8";

void handle_healthy(Exchange *exchange)
{
    answer_constant(exchange, 200, media_text, "ok");
}

/* What keeps us from work; an empty list: nothing. Prefect being away does not. */
static size_t missing(const Server *server, const char *texts[3])
{
    const CatalogueStatistics *catalogue = catalogue_statistics(server->view.catalogue);
    size_t count = 0;
    if (!*catalogue->attempted && catalogue->loaded == 0) {
        texts[count++] = catalogue->error ? catalogue->error : "the definitions have not been read yet";
    }
    if (!journal_statistics(server->view.journal)->writable) {
        texts[count++] = "the journal cannot be written";
    }
    if (server->draining) {
        texts[count++] = "the agent is shutting down";
    }
    return count;
}

void handle_ready(Exchange *exchange)
{
    const char *texts[3];
    size_t count = missing(exchange->server, texts);
    if (count == 0) {
        answer_constant(exchange, 200, media_text, "ok");
        return;
    }
    Problem problem;
    problem_begin(&problem, 503, "not ready: %s", texts[0]);
    json_begin_array(&problem.writer, "missing");
    for (size_t i = 0; i < count; i++) {
        json_write_text(&problem.writer, NULL, texts[i]);
    }
    json_end_array(&problem.writer);
    answer_problem_of(exchange, &problem);
}

/* --- status --- */

static void write_prefect(JsonWriter *writer, const Server *server)
{
    const PrefectStatistics *prefect = server->view.prefect;
    json_begin_object(writer, "prefect");
    json_write_text(writer, "url", server->prefect_url);
    json_write_text(writer, "version", prefect->version);
    json_write_boolean(writer, "reachable", prefect->up);
    shape_time(writer, "last_success_at", prefect->last_success_at);
    json_write_text(writer, "error", prefect->last_error);
    json_end_object(writer);
}

static void write_counts(JsonWriter *writer, const Server *server)
{
    const Engine *engine = server->view.engine;
    const CatalogueStatistics *catalogue = catalogue_statistics(server->view.catalogue);
    size_t sendposts = 0, active = 0, queued = 0;
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        sendposts += engine_sendpost_find(engine, sendpost->name) != NULL;
        active += sendpost_active_count(sendpost);
        queued += sendpost_queued_count(sendpost);
    }
    json_begin_object(writer, "counts");
    json_write_integer(writer, "sendposts", (int64_t)sendposts);
    json_write_integer(writer, "active_runs", (int64_t)active);
    json_write_integer(writer, "queued_runs", (int64_t)queued);
    json_write_integer(writer, "flow_runs_watched", (int64_t)engine_watched_count(engine));
    json_write_integer(writer, "files_loaded", (int64_t)catalogue->loaded);
    json_write_integer(writer, "files_broken", (int64_t)catalogue->broken);
    json_end_object(writer);
}

static void write_journal(JsonWriter *writer, const JournalStatistics *journal)
{
    json_begin_object(writer, "journal");
    json_write_boolean(writer, "writable", journal->writable);
    json_write_integer(writer, "size_bytes", journal->size_bytes);
    shape_time(writer, "quarantined_at", journal->quarantined_at);
    shape_time(writer, "last_backup_at", journal->backed_up_at);
    json_end_object(writer);
}

/* What a page may offer to who looks at it. */
static void write_caller(JsonWriter *writer, const Caller *caller)
{
    json_begin_object(writer, "caller");
    json_write_text(writer, "name", caller->name);
    json_write_text(writer, "role", role_names[caller->role]);
    json_end_object(writer);
}

/* null: no listener speaks TLS. */
static void write_certificate(JsonWriter *writer, const Server *server)
{
    if (!server->tls) {
        json_write_null(writer, "certificate");
        return;
    }
    json_begin_object(writer, "certificate");
    shape_time(writer, "expires_at", server->statistics.certificate_expires_at);
    json_write_text(writer, "error", tls_certificate_error(server->tls));
    json_end_object(writer);
}

void handle_status(Exchange *exchange)
{
    const Server *server = exchange->server;
    Buffer body;
    JsonWriter writer;
    buffer_init(&body, RESPONSE_BODY_MAX);
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "version", sendpost_version);
    json_write_text(&writer, "commit", sendpost_commit);
    json_write_text(&writer, "namespace", server->view.namespace);
    shape_time(&writer, "started_at", server->view.started_at);
    shape_seconds(&writer, "uptime_seconds", server->now.boot_ms - server->began_boot_ms);
    shape_revision(&writer, catalogue_statistics(server->view.catalogue));
    write_prefect(&writer, server);
    write_counts(&writer, server);
    shape_directory_errors(&writer, catalogue_statistics(server->view.catalogue), server->view.engine);
    shape_tokens_error(&writer, server->view.tokens);
    write_journal(&writer, journal_statistics(server->view.journal));
    write_certificate(&writer, server);
    write_caller(&writer, &exchange->caller);
    diagnosis_write(&writer, server);
    json_end_object(&writer);
    answer(exchange, 200, media_json, &body);
}
