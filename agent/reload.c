/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions on their way from the catalogue into the engine, a few in each turn, and who waits for them. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop.h"
#include "time/clock.h"
#include <stdio.h>

enum {
    CHANGES_PER_TURN = 16, /* a commit of so many takes about 2 ms */
    STEPPING_MS = 2,
};

static void follow_references(Loop *loop, const CatalogueChange *change)
{
    if (change->kind == CATALOGUE_LOADED) {
        reference_watch_loaded(loop->references, change->definition);
        return;
    }
    const char *name = change->kind == CATALOGUE_GONE && change->definition ? change->definition->name : NULL;
    const Sendpost *sendpost = name ? engine_sendpost_find(loop->engine, name) : NULL;
    if (name && (!sendpost || sendpost->retired)) { /* else another file defines it by now */
        reference_watch_gone(loop->references, name);
    }
}

static void step_change(Loop *loop, const CatalogueChange *change, Now now)
{
    static const HappeningKind kinds[] = {
        [CATALOGUE_LOADED] = HAPPENED_LOADED, [CATALOGUE_BROKEN] = HAPPENED_BROKEN, [CATALOGUE_GONE] = HAPPENED_GONE};
    Happening happening = {
        .kind = kinds[change->kind],
        .file = {change->file, change->revision, change->definition, change->message, change->line, change->column,
                 change->kept},
    };
    engine_step(loop->engine, &happening, now, &loop->actions);
    loop->happened = true;
    follow_references(loop, change);
}

void loop_take_definitions(Loop *loop, Now now)
{
    for (CatalogueChange change; catalogue_take(loop->catalogue, &change);) {
        step_change(loop, &change, now);
    }
}

/* --- what is wrong, once --- */

static void say_once(char **said, const char *text, LogLevel level, const char *message, const char *mended)
{
    if (text_equal(*said, text)) {
        return;
    }
    log_line(text ? level : LOG_INFO, text ? message : mended, "cause", text, NULL);
    text_replace(said, text);
}

static void say_problems(Loop *loop)
{
    static const struct {
        const char *message, *mended;
    } notices[CATALOGUE_NOTICES] = {
        [NOTICE_WATCHING] = {"changes of the definitions are noticed by comparing every 10 s",
                             "the definitions are watched again"},
        [NOTICE_REVISION] = {"the revision is a digest of the files", "the revision is Git's commit"},
        [NOTICE_LOCK] = {"the definitions are read while Git seems to be at work", "Git is done"},
    };
    const CatalogueStatistics *statistics = catalogue_statistics(loop->catalogue);
    say_once(&loop->said_error, statistics->error, LOG_ERROR, "the definitions cannot be read, the last ones stay",
             "all definitions can be read again");
    for (int i = 0; i < CATALOGUE_NOTICES; i++) {
        say_once(&loop->said_notices[i], statistics->notices[i], LOG_WARN, notices[i].message, notices[i].mended);
    }
}

/* --- tokens --- */

void loop_look_at_tokens(Loop *loop, Now now, bool at_once)
{
    if (!loop->tokens) {
        return;
    }
    if (token_file_look(loop->tokens, now.boot_ms, at_once)) {
        char count[24];
        snprintf(count, sizeof count, "%zu", token_file_tokens(loop->tokens)->count);
        log_line(LOG_INFO, "the tokens were read", "count", count, NULL);
        server_tokens_changed(loop->server);
    }
    say_once(&loop->said_tokens, token_file_error(loop->tokens), LOG_ERROR,
             "the tokens cannot be read, the last ones stay", "the tokens can be read again");
    say_once(&loop->said_exposed, token_file_warning(loop->tokens), LOG_WARN, "the file of the tokens is exposed",
             "the file of the tokens is not exposed any more");
}

/* --- in and out --- */

static void refuse_reloads(Loop *loop)
{
    for (size_t i = 0; i < loop->reload_count; i++) {
        server_reload_unavailable(loop->server, loop->reloads[i].token, "the journal cannot be written");
    }
    loop->reload_count = 0;
}

/* At once: what the engine knows of the next ticks is not true any more. */
static void take_zones(Loop *loop, Now now)
{
    uint64_t renewed = catalogue_statistics(loop->catalogue)->zones_renewed;
    if (renewed != loop->zones_renewed) {
        loop->zones_renewed = renewed;
        log_line(LOG_INFO, "time zones have new data", NULL);
        engine_step(loop->engine, &(Happening){.kind = HAPPENED_ZONES}, now, &loop->actions);
        loop->happened = true;
    }
}

/* Whether there were any. */
static bool take_some(Loop *loop, Now now)
{
    int taken = 0;
    for (CatalogueChange change; taken < CHANGES_PER_TURN && catalogue_take(loop->catalogue, &change); taken++) {
        step_change(loop, &change, now);
        if (clock_now().boot_ms >= now.boot_ms + STEPPING_MS) {
            return true;
        }
    }
    return taken > 0;
}

void loop_collect_definitions(Loop *loop, Now now)
{
    if (!loop->writable) {
        refuse_reloads(loop);
        return;
    }
    if (!take_some(loop, now)) {
        catalogue_run(loop->catalogue, now);
        take_zones(loop, now);
    }
}

void loop_collect_reloads(Loop *loop, Now now)
{
    for (uint64_t token; server_take_reload(loop->server, &token);) {
        loop_look_at_tokens(loop, now, true);
        array_push(loop->reloads, loop->reload_count, loop->reload_capacity) =
            (Reload){token, catalogue_request(loop->catalogue)};
    }
}

static void answer_reloads(Loop *loop, uint64_t number)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->reload_count; i++) {
        if (loop->reloads[i].number <= number) {
            server_reloaded(loop->server, loop->reloads[i].token);
        } else {
            loop->reloads[kept++] = loop->reloads[i];
        }
    }
    loop->reload_count = kept;
}

static void log_outcome(const Loop *loop, const CatalogueOutcome *outcome)
{
    const CatalogueStatistics *statistics = catalogue_statistics(loop->catalogue);
    char loaded[24], broken[24], changes[24];
    snprintf(loaded, sizeof loaded, "%zu", statistics->loaded);
    snprintf(broken, sizeof broken, "%zu", statistics->broken);
    snprintf(changes, sizeof changes, "%zu", outcome->changes);
    log_line(LOG_INFO, "the definitions were read", "applied", statistics->applied, "attempted", statistics->attempted,
             "loaded", loaded, "broken", broken, "changes", changes, NULL);
}

void loop_settle_definitions(Loop *loop, Now now)
{
    CatalogueOutcome outcome;
    say_problems(loop);
    if (!loop->writable || loop->happened || !catalogue_settle(loop->catalogue, now.wall_ms, &outcome)) {
        return;
    }
    const char *attempted = catalogue_statistics(loop->catalogue)->attempted;
    if (catalogue_statistics(loop->catalogue)->last_reload_successful) {
        journal_set_applied(loop->journal, attempted);
        loop->happened = loop->happened || journal_pending(loop->journal);
    }
    if (outcome.changes || outcome.requested || !text_equal(attempted, loop->said_revision)) {
        text_replace(&loop->said_revision, attempted);
        log_outcome(loop, &outcome);
    }
    answer_reloads(loop, outcome.number);
}
