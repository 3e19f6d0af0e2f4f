/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the agent's parts in order, and building the engine from the journal. */
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "loop.h"
#include "prefect_options.h"
#include "time/clock.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { DESCRIPTORS_WANTED = 65536 };

/* Each client is a descriptor: take what the system allows. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool open_signals(Loop *loop, Error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full quota is an error of write(), not the end */
    loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return loop->signals >= 0 || error_set(error, ERROR_IO, "signals cannot be received: %m");
}

static bool open_journal(Loop *loop, Now now, Error *error)
{
    const char *path = loop->configuration->journal_path;
    JournalFindings findings;
    loop->journal = journal_open(path, now, &findings, error);
    if (!loop->journal) {
        return false;
    }
    if (findings.quarantined) {
        log_line(LOG_ERROR, "the journal was damaged and has been moved aside; a new one begins", "journal", path,
                 "moved to", findings.quarantined, NULL);
    }
    if (findings.wal_missing) {
        log_line(LOG_ERROR, "the journal was not closed and its -wal is missing: what was newest is lost", "journal",
                 path, NULL);
    }
    free(findings.quarantined);
    char fresh[UUID_SIZE];
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(now.wall_ms, random, fresh);
    loop->namespace = journal_namespace(loop->journal, loop->configuration->namespace, fresh, error);
    return loop->namespace != NULL;
}

static bool remember_file(void *user, const char *file, const char *revision, const char *text, size_t length)
{
    catalogue_remember(user, file, revision, text, length);
    return true;
}

static Definition *read_pinned(void *user, const char *sha256, const char *text, size_t length)
{
    (void)sha256;
    Findings findings = {0};
    Definition *definition = catalogue_read_text(user, text, length, &findings);
    findings_release(&findings);
    return definition;
}

static void report_lost_pin(void *user, const char *run_id, const char *message)
{
    (void)user;
    log_line(LOG_ERROR, "a run is held, as the definition that it started with can no longer be read", "run", run_id,
             "cause", message, NULL);
}

static Engine *engine_from_journal(Loop *loop, Error *error)
{
    const Configuration *configuration = loop->configuration;
    EngineOptions options = {
        .namespace = loop->namespace,
        .ui_url = configuration->prefect_ui_url,
        .settle_ms = configuration->prefect_settle_ms,
        .cancel_grace_ms = configuration->prefect_cancel_grace_ms,
        .started_at = loop->started_at,
        .map_seed = random_u64(),
    };
    Engine *engine = engine_new(&options);
    JournalReader reader = {read_pinned, report_lost_pin, loop->catalogue};
    if (!journal_restore(loop->journal, engine, &reader, error)) {
        engine_free(engine);
        return NULL;
    }
    return engine;
}

bool loop_rebuild(Loop *loop, Now now, Error *error)
{
    Engine *engine = engine_from_journal(loop, error);
    if (!engine) {
        return false;
    }
    catalogue_replay(loop->catalogue);
    if (!journal_each_file(loop->journal, remember_file, loop->catalogue, error)) {
        engine_free(engine);
        return false;
    }
    engine_free(loop->engine);
    loop->engine = engine;
    if (loop->server) {
        server_set_engine(loop->server, engine);
    }
    loop_take_definitions(loop, now);
    if (!loop->writable) {
        /* For reading only: what this changed is not to be written, and nothing is to be asked. */
        engine_recall(engine, now, &loop->actions);
        actions_clear(&loop->actions);
        engine_turn_end(engine);
        loop->happened = false;
        return true;
    }
    engine_resume(engine, now, &loop->actions);
    loop->happened = true;
    loop_turn(loop, now);
    return true;
}

static bool open_tokens(Loop *loop, Error *error)
{
    const Configuration *configuration = loop->configuration;
    if (!configuration->http_tokens_file[0]) {
        return true;
    }
    if (configuration->http_allow_anonymous) {
        log_line(LOG_WARN, "who sends no token may do everything: http.allow_anonymous", NULL);
    }
    loop->tokens = token_file_open(configuration->http_tokens_file, error);
    return loop->tokens || error_prefix(error, "http.tokens_file");
}

static bool open_definitions(Loop *loop, Error *error)
{
    loop->catalogue = catalogue_new(loop->configuration->definitions_directory);
    catalogue_remember_applied(loop->catalogue, journal_applied(loop->journal));
    if (!journal_each_file(loop->journal, remember_file, loop->catalogue, error)) {
        return false;
    }
    catalogue_start(loop->catalogue);
    return true;
}

static bool open_prefect(Loop *loop, Error *error)
{
    PrefectOptions options = prefect_options_of(loop->configuration);
    if (options.insecure_skip_verify) {
        log_line(LOG_WARN, "certificates of Prefect are not verified: prefect.insecure_skip_verify", NULL);
    }
    loop->prefect = prefect_client_new(&options, error);
    return loop->prefect != NULL;
}

static bool open_server(Loop *loop, Error *error)
{
    ServerView view = {
        .configuration = loop->configuration,
        .engine = loop->engine,
        .journal = loop->journal,
        .catalogue = loop->catalogue,
        .tokens = loop->tokens,
        .prefect = prefect_client_statistics(loop->prefect),
        .references = reference_watch_standing(loop->references),
        .inventory = loop->inventory,
        .loop = &loop->statistics,
        .namespace = loop->namespace,
        .started_at = loop->started_at,
    };
    loop->server = server_new(&view, error);
    return loop->server != NULL;
}

bool loop_open(Loop *loop, const Configuration *configuration, Error *error)
{
    Now now = clock_now();
    *loop = (Loop){
        .configuration = configuration, .signals = -1, .leftover = -1, .writable = true, .started_at = now.wall_ms};
    loop->references = reference_watch_new(now);
    raise_descriptors();
    if (!open_signals(loop, error) || !open_tokens(loop, error) || !open_journal(loop, now, error) ||
        !open_definitions(loop, error) || !loop_open_inventory(loop, error) || !open_prefect(loop, error)) {
        return false;
    }
    loop->engine = engine_from_journal(loop, error);
    if (!loop->engine || !open_server(loop, error)) {
        return false;
    }
    loop_take_definitions(loop, now);
    engine_resume(loop->engine, now, &loop->actions);
    loop->happened = true;
    loop_turn(loop, now);
    loop_settle_definitions(loop, now);
    loop->retain_due = now.boot_ms + 1000;
    loop->woken_for = TIME_NEVER;
    return true;
}

void loop_close(Loop *loop)
{
    server_free(loop->server);
    prefect_client_free(loop->prefect);
    reference_watch_free(loop->references);
    inventory_free(loop->inventory);
    actions_release(&loop->actions);
    text_list_clear(&loop->triggers);
    text_list_clear(&loop->unavailable);
    engine_free(loop->engine);
    backup_free(loop->backup);
    if (loop->leftover >= 0) {
        close(loop->leftover);
    }
    catalogue_free(loop->catalogue);
    journal_close(loop->journal);
    free(loop->namespace);
    free(loop->reloads);
    token_file_free(loop->tokens);
    free(loop->said_tokens);
    free(loop->said_exposed);
    free(loop->said_error);
    free(loop->said_revision);
    for (int i = 0; i < CATALOGUE_NOTICES; i++) {
        free(loop->said_notices[i]);
    }
    if (loop->signals >= 0) {
        close(loop->signals);
    }
    *loop = (Loop){.signals = -1, .leftover = -1};
}
