/* SPDX-License-Identifier: Apache-2.0 */
/* Each problem is one row of a table: what it is called, how grave it is, what mends it, and who looks for it. */
#include "api/diagnosis.h"
#include "api/internal.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/duration.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
    SUBJECTS_SHOWN = 100, /* of one problem */
    SKEW_MAX_MS = 5000,   /* between Prefect's clock and ours */
    DISK_LOW = 256 << 20,
    BACKUP_OLD_DAYS = 7,
    CERTIFICATE_SOON_DAYS = 7,
    DAY_MS = 86400000,
};

const char *const gravity_names[GRAVITIES] = {"error", "warning", "info"};

struct Diagnosis;

typedef struct Row {
    const char *code;
    Gravity gravity;
    void (*look)(struct Diagnosis *diagnosis);
    const char *remedy;
} Row;

typedef struct Diagnosis {
    JsonWriter *writer;
    const Server *server;
    const Row *row;
    int told; /* subjects of that row */
} Diagnosis;

static void tell(Diagnosis *diagnosis, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void write_problem(const Diagnosis *diagnosis, const char *subject, const char *message)
{
    JsonWriter *writer = diagnosis->writer;
    json_begin_object(writer, NULL);
    json_write_text(writer, "code", diagnosis->row->code);
    json_write_text(writer, "severity", gravity_names[diagnosis->row->gravity]);
    json_write_text(writer, "subject", subject);
    json_write_text(writer, "message", message);
    json_write_text(writer, "remedy", diagnosis->row->remedy);
    json_end_object(writer);
}

static void tell(Diagnosis *diagnosis, const char *subject, const char *format, ...)
{
    if (++diagnosis->told > SUBJECTS_SHOWN) {
        return;
    }
    char message[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    write_problem(diagnosis, subject, message);
}

static void tell_how_many_more(const Diagnosis *diagnosis)
{
    if (diagnosis->told > SUBJECTS_SHOWN) {
        auto_free char *subject = text_format("and %d more", diagnosis->told - SUBJECTS_SHOWN);
        write_problem(diagnosis, subject, "the same");
    }
}

/* --- Prefect --- */

static void tell_cause(Diagnosis *diagnosis, unsigned causes)
{
    const PrefectStatistics *prefect = diagnosis->server->view.prefect;
    if (!prefect->up && prefect->last_error && (causes & (1u << prefect->last_cause))) {
        tell(diagnosis, diagnosis->server->prefect_url, "%s", prefect->last_error);
    }
}

#define BY(cause) (1u << CAUSE_##cause)

static void look_unauthorised(Diagnosis *diagnosis)
{
    tell_cause(diagnosis, BY(AUTH));
}

static void look_certificate(Diagnosis *diagnosis)
{
    tell_cause(diagnosis, BY(TLS));
}

static void look_wrong_url(Diagnosis *diagnosis)
{
    tell_cause(diagnosis, BY(BODY) | BY(REDIRECT) | BY(STATUS_4XX));
}

static void look_unreachable(Diagnosis *diagnosis)
{
    tell_cause(diagnosis, BY(CONNECT) | BY(TIMEOUT) | BY(STATUS_5XX));
}

static void look_circuit(Diagnosis *diagnosis)
{
    const PrefectStatistics *prefect = diagnosis->server->view.prefect;
    if (prefect->circuit != CIRCUIT_CLOSED) {
        tell(diagnosis, diagnosis->server->prefect_url,
             "the circuit is %s after several failures in a row: %zu %s held back", circuit_names[prefect->circuit],
             prefect->queued, prefect->queued == 1 ? "request is" : "requests are");
    }
}

static void look_version(Diagnosis *diagnosis)
{
    const char *version = diagnosis->server->view.prefect->version;
    char *rest = NULL;
    long major = version ? strtol(version, &rest, 10) : 3;
    long minor = rest && *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (major != 3 && !(major == 2 && minor >= 20)) {
        tell(diagnosis, diagnosis->server->prefect_url, "Prefect %s is not supported", version);
    }
}

static void look_clock(Diagnosis *diagnosis)
{
    int64_t skew_ms = diagnosis->server->view.prefect->clock_skew_ms;
    if (skew_ms > SKEW_MAX_MS || skew_ms < -SKEW_MAX_MS) {
        char duration[DURATION_TEXT_SIZE];
        duration_format((skew_ms < 0 ? -skew_ms : skew_ms) / 1000 * 1000, duration);
        tell(diagnosis, diagnosis->server->prefect_url, "Prefect's clock is %s %s this machine's", duration,
             skew_ms > 0 ? "ahead of" : "behind");
    }
}

/* --- definitions --- */

static void look_directory(Diagnosis *diagnosis)
{
    const char *error = catalogue_statistics(diagnosis->server->view.catalogue)->error;
    if (error) {
        tell(diagnosis, diagnosis->server->view.configuration->definitions_directory, "%s", error);
    }
}

static void look_tokens(Diagnosis *diagnosis)
{
    const ServerView *view = &diagnosis->server->view;
    const char *error = view->tokens ? token_file_error(view->tokens) : NULL;
    if (error) {
        tell(diagnosis, view->configuration->http_tokens_file, "%s", error);
    }
}

static void look_certificate_files(Diagnosis *diagnosis)
{
    const Server *server = diagnosis->server;
    const char *error = server->tls ? tls_certificate_error(server->tls) : NULL;
    if (error) {
        tell(diagnosis, server->view.configuration->http_tls_certificate_file, "%s", error);
    }
}

/* Told when it ends within [from, to) ms from now. */
static void tell_certificate_end(Diagnosis *diagnosis, int64_t from, int64_t to, const char *verb)
{
    const Server *server = diagnosis->server;
    int64_t ends_at = server->tls ? server->statistics.certificate_expires_at : 0;
    int64_t left = ends_at - server->now.wall_ms;
    if (ends_at && left >= from && left < to) {
        char time[INSTANT_TEXT_SIZE];
        instant_format(ends_at, time);
        tell(diagnosis, server->view.configuration->http_tls_certificate_file, "%s at %s", verb, time);
    }
}

static void look_certificate_ended(Diagnosis *diagnosis)
{
    tell_certificate_end(diagnosis, INT64_MIN, 0, "it ended to be valid");
}

static void look_certificate_ends(Diagnosis *diagnosis)
{
    tell_certificate_end(diagnosis, 0, CERTIFICATE_SOON_DAYS * (int64_t)DAY_MS, "it ends to be valid");
}

static void look_files(Diagnosis *diagnosis)
{
    const Engine *engine = diagnosis->server->view.engine;
    for (size_t i = 0; i < engine_file_count(engine); i++) {
        const DefinitionFile *file = engine_file_at(engine, i);
        if (file->error) {
            auto_free char *place = text_format("%s:%d:%d", file->file, file->line, file->column);
            tell(diagnosis, place, "%s", file->error);
        }
    }
}

static void look_revision(Diagnosis *diagnosis)
{
    const CatalogueStatistics *catalogue = catalogue_statistics(diagnosis->server->view.catalogue);
    if (!text_equal(catalogue->applied, catalogue->attempted)) {
        tell(diagnosis, catalogue->attempted, "not all of it is in force, which is still %s",
             *catalogue->applied ? catalogue->applied : "none");
    }
}

static void look_notices(Diagnosis *diagnosis)
{
    const CatalogueStatistics *catalogue = catalogue_statistics(diagnosis->server->view.catalogue);
    for (int i = 0; i < CATALOGUE_NOTICES; i++) {
        if (catalogue->notices[i]) {
            tell(diagnosis, diagnosis->server->view.configuration->definitions_directory, "%s", catalogue->notices[i]);
        }
    }
}

static void look_references_of(Diagnosis *diagnosis, const SendpostStanding *standing, unsigned problems)
{
    static const char *const meanings[REFERENCE_PROBLEMS] = {
        [REFERENCE_MISSING] = "Prefect has no deployment",
        [REFERENCE_PARAMETERS] = "its parameters do not fit the schema of",
        [REFERENCE_PAUSED] = "paused in Prefect is",
        [REFERENCE_NO_WORKER] = "no worker is online for",
    };
    for (size_t i = 0; i < standing->definition->node_count; i++) {
        ReferenceProblem problem = standing->problems[i];
        if (problem != REFERENCE_FINE && (problems & (1u << problem))) {
            const Node *node = &standing->definition->nodes[i];
            auto_free char *subject = text_format("%s: stage %s", standing->definition->name, node->path);
            tell(diagnosis, subject, "%s %s", meanings[problem], node->deployment);
        }
    }
}

static void look_references(Diagnosis *diagnosis, unsigned problems)
{
    const ServerView *view = &diagnosis->server->view;
    for (size_t i = 0; i < engine_sendpost_count(view->engine); i++) {
        const SendpostStanding *standing = standing_find(view->references, engine_sendpost_at(view->engine, i)->name);
        if (standing) {
            look_references_of(diagnosis, standing, problems);
        }
    }
}

static void look_missing(Diagnosis *diagnosis)
{
    look_references(diagnosis, 1u << REFERENCE_MISSING | 1u << REFERENCE_PARAMETERS);
}

static void look_idle(Diagnosis *diagnosis)
{
    look_references(diagnosis, 1u << REFERENCE_PAUSED | 1u << REFERENCE_NO_WORKER);
}

/* --- runs --- */

static void look_waiting_of(Diagnosis *diagnosis, const Run *run)
{
    for (size_t i = 0; i < run->definition->node_count; i++) {
        const Node *node = &run->definition->nodes[i];
        State state = run->stages[i].record.state;
        if (node_is_leaf(node) && (state == STATE_BLOCKED || state == STATE_PAUSED)) {
            auto_free char *subject = text_format("%s: stage %s", run->record.sendpost, node->path);
            tell(diagnosis, subject,
                 state == STATE_BLOCKED ? "waits for somebody, in run %s"
                                        : "its flow run is paused in Prefect, in run %s",
                 run->record.id);
        }
    }
}

static void look_waiting(Diagnosis *diagnosis)
{
    const Engine *engine = diagnosis->server->view.engine;
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        for (size_t j = 0; j < sendpost->run_count; j++) {
            look_waiting_of(diagnosis, sendpost->runs[j]);
        }
    }
}

/* --- the journal --- */

static void look_writable(Diagnosis *diagnosis)
{
    if (!journal_statistics(diagnosis->server->view.journal)->writable) {
        tell(diagnosis, diagnosis->server->view.configuration->journal_path,
             "cannot be written: nothing is started or decided until it can");
    }
}

static void look_held(Diagnosis *diagnosis)
{
    const JournalStatistics *journal = journal_statistics(diagnosis->server->view.journal);
    if (journal->runs_held) {
        tell(diagnosis, journal->run_held,
             "it is held, as the definition that it started with can no longer be read: such runs there are %zu",
             journal->runs_held);
    }
}

static void look_quarantine(Diagnosis *diagnosis)
{
    int64_t at = journal_statistics(diagnosis->server->view.journal)->quarantined_at;
    if (at) {
        const char *path = diagnosis->server->view.configuration->journal_path;
        char time[INSTANT_TEXT_SIZE];
        instant_format(at, time);
        tell(diagnosis, path, "it was damaged and moved aside at %s as %s.damaged-%lld", time, path, (long long)at);
    }
}

static void look_disk(Diagnosis *diagnosis)
{
    const char *path = diagnosis->server->view.configuration->journal_path;
    struct statvfs space;
    if (statvfs(path, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize < DISK_LOW) {
        tell(diagnosis, path, "only %llu MB are left on its disk",
             (unsigned long long)((uint64_t)space.f_bavail * space.f_frsize / 1000000));
    }
}

static void look_old_backup(Diagnosis *diagnosis)
{
    const Server *server = diagnosis->server;
    int64_t at = journal_statistics(server->view.journal)->backed_up_at;
    int64_t days = (server->now.wall_ms - at) / DAY_MS;
    if (at && days >= BACKUP_OLD_DAYS) {
        tell(diagnosis, server->view.configuration->journal_path, "its last backup is %lld days old", (long long)days);
    }
}

static void look_no_backup(Diagnosis *diagnosis)
{
    if (!journal_statistics(diagnosis->server->view.journal)->backed_up_at) {
        tell(diagnosis, diagnosis->server->view.configuration->journal_path, "there is no backup of it");
    }
}

static const Row rows[] = {
    {"journal_not_writable", GRAVITY_ERROR, look_writable,
     "make room on its disk, or mend it; the agent goes on by itself when a write works"},
    {"run_held", GRAVITY_ERROR, look_held,
     "go back to the version of the agent that it was started by, or see to its flow runs in Prefect: nobody follows "
     "them here"},
    {"prefect_unauthorised", GRAVITY_ERROR, look_unauthorised,
     "give the credentials that Prefect wants: prefect.api_key_file or prefect.auth_string_file (PREFECT_API_KEY, "
     "PREFECT_API_AUTH_STRING)"},
    {"prefect_certificate", GRAVITY_ERROR, look_certificate,
     "let prefect.ca_file name the authority that vouches for Prefect's certificate"},
    {"prefect_wrong_url", GRAVITY_ERROR, look_wrong_url,
     "prefect.api_url is to be the address of Prefect's API: it ends in /api, Cloud's in the workspace"},
    {"prefect_unreachable", GRAVITY_ERROR, look_unreachable,
     "see that Prefect runs, and can be reached from this machine at prefect.api_url; runs wait, and nothing is lost"},
    {"definitions_unreadable", GRAVITY_ERROR, look_directory,
     "see that definitions.directory is right, and may be read by the agent; what was last good is in force"},
    {"tokens_unreadable", GRAVITY_ERROR, look_tokens,
     "mend the file: the tokens that were last good are in force until then"},
    {"certificate_broken", GRAVITY_ERROR, look_certificate_files,
     "mend the files: the certificate that was last good is shown until then"},
    {"certificate_expired", GRAVITY_ERROR, look_certificate_ended,
     "put a new one in its place (docs/tls.md): clients refuse this one"},
    {"definition_broken", GRAVITY_ERROR, look_files,
     "mend the file ('sendpost check' says the same); what was last good of it is in force"},
    {"reference_broken", GRAVITY_ERROR, look_missing,
     "deploy it in Prefect, or mend the definition: 'sendpost check --live' says more"},
    {"reference_idle", GRAVITY_WARNING, look_idle,
     "resume the deployment, or start a worker for its pool: its flow runs wait until then"},
    {"certificate_expires", GRAVITY_WARNING, look_certificate_ends,
     "see why it was not renewed: a new one in its place is taken by itself (docs/tls.md)"},
    {"revision_stale", GRAVITY_WARNING, look_revision, "mend what is broken in that revision, or take it back"},
    {"prefect_version", GRAVITY_WARNING, look_version, "use Prefect 2.20 or 3.x, with which this is tested"},
    {"prefect_circuit_open", GRAVITY_WARNING, look_circuit,
     "nothing, once Prefect answers: requests are tried again by themselves"},
    {"clock_skew", GRAVITY_WARNING, look_clock,
     "let both clocks follow one time (NTP): schedules and timeouts go by this machine's clock"},
    {"journal_quarantined", GRAVITY_WARNING, look_quarantine,
     "restore a backup (docs/backup.md), or see what it still holds; then take it away"},
    {"disk_nearly_full", GRAVITY_WARNING, look_disk, "make room, or lower journal.retention"},
    {"backup_old", GRAVITY_WARNING, look_old_backup, "run 'sendpost backup FILE' regularly (docs/backup.md)"},
    {"stage_waits", GRAVITY_INFO, look_waiting, "when it may go on: 'sendpost resume RUN STAGE'"},
    {"backup_none", GRAVITY_INFO, look_no_backup, "run 'sendpost backup FILE' regularly (docs/backup.md)"},
    {"definitions_notice", GRAVITY_INFO, look_notices, "nothing needs to be done"},
};

void diagnosis_write(JsonWriter *writer, const Server *server)
{
    json_begin_array(writer, "problems");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Diagnosis diagnosis = {writer, server, &rows[i], 0};
        rows[i].look(&diagnosis);
        tell_how_many_more(&diagnosis);
    }
    json_end_array(writer);
}
